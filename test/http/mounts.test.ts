/** Every mount, as its example shows it, on a real socket: the management API, and a receiver of signed webhooks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as express from '../../examples/mounts/express.ts'
import * as express4 from '../../examples/mounts/express4.ts'
import * as fastify from '../../examples/mounts/fastify.ts'
import * as hono from '../../examples/mounts/hono.ts'
import * as koa from '../../examples/mounts/koa.ts'
import type { Running } from '../../examples/mounts/listen.ts'
import * as nest from '../../examples/mounts/nest.ts'
import * as next from '../../examples/mounts/next.ts'
import * as node from '../../examples/mounts/node.ts'
import { secret } from '../../examples/mounts/webhooks.ts'
import { signRequest } from '../../src/signing/index.ts'

const mounts = { node, express, express4, fastify, hono, koa, nest, next }
const key = { authorization: 'Bearer obviously-fake-key-of-acme' }
const json = { ...key, 'content-type': 'application/json' }
/** White space that no parser would write again: only the raw bytes fit the signature. */
const body = '{ "type":"order.paid",  "timestamp":"2026-01-15T09:30:00.000Z","data":{"orderId":"名-1"} }'

describe.each(Object.entries(mounts))('mounted in %s', (_name, { serve }) => {
  let running: Running
  const at = (path: string) => `${running.url}${path}`
  beforeAll(async () => {
    running = await serve()
  })
  afterAll(() => running?.close())

  const create = (changes: object = {}) =>
    fetch(at('/webhooks/subscriptions'), {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ url: 'https://receiver.example/名', name: '名', ...changes }),
    })

  it('the API creates, reads, changes and deletes', async () => {
    const created = await create()
    expect(created.status).toBe(201)
    const { subscription, secret: issued } = await created.json()
    expect(issued).toMatch(/^whsec_/)
    const location = created.headers.get('location') ?? ''
    expect(location).toBe(`/webhooks/subscriptions/${subscription.id}`)
    const found = await fetch(at(location), { headers: key })
    expect(found.headers.get('etag')).toBe('"1"')
    expect(found.headers.get('cache-control')).toBe('no-store')
    expect(await found.json()).toMatchObject({ name: '名', tenantId: 'acme' })
    const changed = await fetch(at(location), {
      method: 'PATCH',
      headers: { ...json, 'if-match': '"1"' },
      body: '{"name":null}',
    })
    expect(await changed.json()).toMatchObject({ name: null, revision: 2 })
    const paused = await fetch(at(`${location}/pause`), { method: 'POST', headers: key })
    expect([paused.status, (await paused.json()).state]).toEqual([200, 'paused'])
    const gone = await fetch(at(location), { method: 'DELETE', headers: key })
    expect([gone.status, await gone.text()]).toEqual([204, ''])
  })

  it('the API lists with a query, answers HEAD, and knows what it does not know', async () => {
    const listed = await fetch(at('/webhooks/subscriptions?limit=1&total=true'), { headers: key })
    expect(await listed.json()).toMatchObject({ items: expect.any(Array), total: expect.any(Number) })
    const head = await fetch(at('/webhooks/subscriptions'), { method: 'HEAD', headers: key })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const nothing = await fetch(at('/webhooks/nothing'), { headers: key })
    expect(nothing.status).toBe(404)
    expect(nothing.headers.get('content-type')).toBe('application/problem+json')
    expect((await fetch(at('/webhooks/openapi.json'), { headers: key })).status).toBe(200)
  })

  it('the API refuses strangers, forms and foreign pages', async () => {
    const form = 'url=https%3A%2F%2Freceiver.example'
    const post = (headers: Record<string, string>, sent: string) =>
      fetch(at('/webhooks/subscriptions'), { method: 'POST', headers, body: sent })
    expect((await post({ 'content-type': 'application/json' }, '{}')).status).toBe(401)
    const asForm = { ...key, 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(asForm, form)).status).toBe(415)
    expect((await post({ ...json, origin: 'https://evil.example' }, '{}')).status).toBe(403)
    expect((await post(json, '{"url":')).status).toBe(400)
  })

  const receive = async (changes: { body?: string; headers?: Record<string, string> } = {}) => {
    const signed = await signRequest({ body }, { secret })
    return fetch(at('/in'), {
      method: 'POST',
      headers: { ...signed.headers, 'content-type': 'application/json', ...changes.headers },
      body: changes.body ?? body,
    })
  }

  it('verifyWebhook takes what was signed', async () => {
    const response = await receive()
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ type: 'order.paid' })
  })

  it('verifyWebhook refuses another body, another signature and none', async () => {
    expect((await receive({ body: body.replace('-1', '-2') })).status).toBe(400)
    expect((await receive({ headers: { 'webhook-signature': 'v1,AAAA' } })).status).toBe(400)
    const unsigned = await fetch(at('/in'), { method: 'POST', body })
    expect(unsigned.status).toBe(400)
  })
})
