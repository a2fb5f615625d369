/** What body parsers of the host have done before the mounts came, and what travels through them besides. */
import { createServer, request as nodeRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../examples/mounts/listen.ts'
import { createHandler, type HandlerOptions } from '../../src/http/index.ts'
import { keepRawBody, toExpress, verifyWebhook } from '../../src/http/mounts/express.ts'
import { toFastify, verifyWebhook as verifyFastify } from '../../src/http/mounts/fastify.ts'
import { toHono, verifyWebhook as verifyHono } from '../../src/http/mounts/hono.ts'
import { toKoa, verifyWebhook as verifyKoa } from '../../src/http/mounts/koa.ts'
import { verifyWebhook as verifyNext } from '../../src/http/mounts/next.ts'
import { toNode } from '../../src/http/mounts/node.ts'
import { signRequest } from '../../src/signing/index.ts'
import { setup } from '../support/setup.ts'
import { authorizeByHeader } from './setup.ts'

const secret = 'whsec_b2J2aW91c2x5LWZha2Utc2VjcmV0LW9mLWV4YW1wbGVz'
const headers = { 'x-caller': 'tenant acme', 'content-type': 'application/json' }
const body = JSON.stringify({ url: 'https://receiver.example/', name: '名' })

function handlerOf(options: Partial<HandlerOptions> = {}) {
  const { webhooks } = setup()
  return createHandler(webhooks, { authorize: authorizeByHeader, ...options })
}

async function start(listener: Parameters<typeof listen>[0]): Promise<string> {
  const { url, close } = await listen(listener)
  onTestFinished(close)
  return url
}

const post = (url: string, sent: BodyInit = body, extra: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers: { ...headers, ...extra }, body: sent })

describe.each([
  ['5', express],
  ['4', express4],
])('in Express %s, the API', (_version, make) => {
  it.each([
    ['JSON', () => [make.json()]],
    ['JSON that is kept raw', () => [make.json({ verify: keepRawBody })]],
    ['bytes', () => [make.raw({ type: () => true })]],
    ['text', () => [make.text({ type: () => true })]],
    ['forms and JSON', () => [make.urlencoded({ extended: true }), make.json()]],
    ['nothing', () => []],
  ])('takes JSON after a parser of %s, and refuses forms', async (_name, parsers) => {
    const app = make()
    for (const parser of parsers()) app.use(parser)
    app.use('/hooks', toExpress(handlerOf()))
    const url = await start(app)
    const created = await post(`${url}/hooks/subscriptions`)
    expect(created.status).toBe(201)
    expect((await created.json()).subscription.name).toBe('名')
    expect((await fetch(`${url}/hooks/subscriptions/x/pause`, { method: 'POST', headers })).status).toBe(404)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(`${url}/hooks/subscriptions`, 'url=x', form)).status).toBe(415)
    const typeless = await post(`${url}/hooks/subscriptions`, body, { 'content-type': '' })
    expect(typeless.status).toBe(415)
  })

  it('takes what a parser has decompressed', async () => {
    const app = make()
    app.use(make.json(), toExpress(handlerOf()))
    const url = await start(app)
    const zipped = await post(`${url}/subscriptions`, new Uint8Array(gzipSync(body)), {
      'content-encoding': 'gzip',
    })
    expect(zipped.status).toBe(201)
  })

  it('lets authorize see the request of the framework, below the path of two routers', async () => {
    const handler = handlerOf({
      authorize: (_request, native) => (native as { user?: { role: 'tenant'; tenantId: string } }).user,
    })
    const app = make()
    const router = make.Router()
    router.use('/hooks', toExpress(handler))
    app.use((request: object, _response: unknown, next: () => void) => {
      Object.assign(request, { user: { role: 'tenant', tenantId: 'acme' } })
      next()
    })
    app.use('/api', router)
    const url = await start(app)
    const created = await post(`${url}/api/hooks/subscriptions`)
    expect(created.headers.get('location')).toMatch(/^\/api\/hooks\/subscriptions\/sub_/)
  })
})

describe('a body that is too large', () => {
  it('gets its 413 through the socket, and the connection goes on', async () => {
    const url = await start(toNode(handlerOf()))
    const large = await post(`${url}/subscriptions`, 'x'.repeat(10_000_000))
    expect([large.status, (await large.json()).code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const chunked = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 200; n++) controller.enqueue(new Uint8Array(10_000))
        controller.close()
      },
    })
    const init = { method: 'POST', headers, body: chunked, duplex: 'half' }
    expect((await fetch(`${url}/subscriptions`, init as RequestInit)).status).toBe(413)
    expect((await post(`${url}/subscriptions`)).status).toBe(201)
  })
})

describe('a plain Node server', () => {
  /** Sends exactly this line and these headers. */
  function raw(port: number, path: string, host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path, headers: { host, 'x-caller': 'tenant acme' } }
      nodeRequest(options, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  }

  it.each([
    ['/subscriptions', 'api.test', 200],
    ['/subscriptions', 'not a host', 200],
    ['//evil.example/subscriptions', 'api.test', 404],
    ['http://evil.example/subscriptions', 'api.test', 200],
    ['*', 'api.test', 404],
    ['/subscriptions/../subscriptions', 'api.test', 200],
  ])('answers %s of host %s with %s', async (path, host, status) => {
    const server = createServer(toNode(handlerOf()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    expect(await raw((server.address() as AddressInfo).port, path, host)).toBe(status)
  })

  it('hands over the cookies of a Response of authorize', async () => {
    const answer = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    const authorize = () => new Response('no', { status: 401, headers: answer })
    const url = await start(toNode(handlerOf({ authorize })))
    const response = await fetch(`${url}/subscriptions`)
    expect([response.status, response.headers.getSetCookie()]).toEqual([401, ['a=1', 'b=2']])
  })
})

describe('in Fastify', () => {
  it('the API keeps its bodies to itself: the host’s parsers stay, inside and outside', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_r, text, done) =>
      done(null, { text }),
    )
    app.register(toFastify(handlerOf()), { prefix: '/hooks' })
    app.post('/echo', async (request) => request.body)
    app.post('/in', async (request) => {
      const { type } = await verifyFastify(request, { secret })
      return { type }
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    expect((await post(`${url}/hooks/subscriptions`)).status).toBe(201)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(`${url}/hooks/subscriptions`, 'a=b', form)).status).toBe(415)
    expect(await (await post(`${url}/echo`, '{"a":1}')).json()).toEqual({ a: 1 })
    expect(await (await post(`${url}/echo`, 'a=b', form)).json()).toEqual({ text: 'a=b' })
    // The host's own parser has read it: written again it still fits what a JavaScript sender has signed.
    const signed = await signRequest({ type: 'order.paid', data: { n: 1 } }, { secret })
    expect((await fetch(`${url}/in`, { method: 'POST', ...signed })).status).toBe(200)
  })
})

describe('in Hono and Koa', () => {
  it('the API and verifyWebhook work after the body was read', async () => {
    const hono = new Hono()
    hono.use(async (c, next) => {
      if (c.req.method === 'POST') await c.req.json()
      await next()
    })
    hono.all('/hooks/*', toHono(handlerOf()))
    hono.post('/in', async (c) => c.json({ type: (await verifyHono(c, { secret })).type }))
    const koa = new Koa()
    koa.use(async (context, next) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of context.req) chunks.push(chunk)
      if (chunks.length > 0)
        Object.assign(context.request, { body: JSON.parse(String(Buffer.concat(chunks))) })
      await next()
    })
    koa.use(toKoa(handlerOf(), { path: '/hooks' }))
    koa.use(async (context) => {
      context.body = { type: (await verifyKoa(context, { secret })).type }
    })
    for (const listener of [getRequestListener(hono.fetch), koa.callback()]) {
      const url = await start(listener)
      const created = await post(`${url}/hooks/subscriptions`)
      expect([created.status, created.headers.get('location')]).toEqual([
        201,
        expect.stringMatching(/^\/hooks\/subscriptions\/sub_/),
      ])
      const signed = await signRequest({ type: 'order.paid', data: { n: 1 } }, { secret })
      const received = await fetch(`${url}/in`, { method: 'POST', ...signed })
      expect(await received.json()).toEqual({ type: 'order.paid' })
    }
  })
})

describe('verifyWebhook', () => {
  const spaced = '{ "type":"order.paid", "timestamp":"2026-01-15T09:30:00.000Z","data":{} }'

  async function receiver(parser: express.RequestHandler, maxBodyBytes?: number) {
    const app = express()
    app.use(parser)
    app.post('/in', async (request, response) => {
      const limit = maxBodyBytes === undefined ? {} : { maxBodyBytes }
      const outcome = await verifyWebhook(request, { secret, ...limit }).then(
        ({ type }) => ({ type }),
        ({ code, status }) => ({ code, status }),
      )
      response.json(outcome)
    })
    const url = await start(app)
    return async (text: string, changes: Record<string, string> = {}) => {
      const signed = await signRequest({ body: text }, { secret })
      const sent = { method: 'POST', headers: { ...signed.headers, ...changes }, body: text }
      return (await fetch(`${url}/in`, sent)).json()
    }
  }

  it('says body-not-raw where a parser has lost the bytes that were signed', async () => {
    const send = await receiver(express.json())
    expect(await send(spaced)).toEqual({ code: 'body-not-raw', status: 400 })
    expect(await send(JSON.stringify(JSON.parse(spaced)))).toEqual({ type: 'order.paid' })
  })

  it('never believes a parsed body that was not signed', async () => {
    const send = await receiver(express.json())
    const forged = await send('{"type":"order.paid"}', { 'webhook-signature': 'v1,AAAA' })
    expect(forged).toMatchObject({ status: 400 })
  })

  it('uses the raw body that a parser has kept', async () => {
    const send = await receiver(express.json({ verify: keepRawBody }))
    expect(await send(spaced)).toEqual({ type: 'order.paid' })
  })

  it('reads up to its limit and no further', async () => {
    const send = await receiver((_request, _response, next) => next(), spaced.length)
    expect(await send(spaced)).toEqual({ type: 'order.paid' })
    expect(await send(`${spaced} `)).toEqual({ code: 'body-not-raw', status: 413 })
  })

  it('limits and explains on web requests, too', async () => {
    const signed = await signRequest({ body: spaced }, { secret })
    const make = () => new Request('http://receiver.test/in', { method: 'POST', ...signed })
    expect((await verifyNext(make(), { secret })).type).toBe('order.paid')
    await expect(verifyNext(make(), { secret, maxBodyBytes: 10 })).rejects.toMatchObject({ status: 413 })
    const read = make()
    await read.text()
    await expect(verifyNext(read, { secret })).rejects.toMatchObject({ code: 'body-not-raw', status: 400 })
  })
})
