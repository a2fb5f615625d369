/** One line per framework, over real sockets. Each recipe is what the documentation shows. */

import 'reflect-metadata'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Controller, HttpCode, Module, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { signRequest, VerificationError, verify } from '../../src/signing/index.js'

const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const portOf = (server: { address(): AddressInfo | string | null }): number =>
  (server.address() as AddressInfo).port

/** Sends an event as Posthorn does, then the same with another body. */
async function deliver(port: number): Promise<string[]> {
  const { headers, body } = await signRequest({ type: 'order.paid', data: { orderId: 'Zoë 1' } }, { secret })
  const answers: string[] = []
  for (const bytes of [body, new TextEncoder().encode('{"type":"order.paid","data":{}}')]) {
    const response = await fetch(`http://127.0.0.1:${port}/webhooks`, {
      method: 'POST',
      headers,
      body: bytes,
    })
    answers.push(`${response.status} ${await response.text()}`)
  }
  return answers
}

const answered = ['200 order.paid Zoë 1', expect.stringMatching(/^400 .*no-match/s)]
type Order = { orderId: string }
const codeOf = (error: unknown): string => (error instanceof VerificationError ? error.code : String(error))

describe('a receiver', () => {
  it('in Express', async () => {
    const app = express()
    app.post('/webhooks', express.raw({ type: '*/*' }), async (req, res) => {
      const event = await verify<Order>(req, { secret })
      res.send(`${event.type} ${event.data.orderId}`)
    })
    const server = await new Promise<Server>((resolve) => {
      const listening = app.listen(0, () => resolve(listening))
    })
    closers.push(() => server.close())
    expect(await deliver(portOf(server))).toEqual(answered)
  })

  it('in Express 4, which does not wait for promises', async () => {
    const app = express4()
    app.post('/webhooks', express4.raw({ type: '*/*' }), (req, res, next) => {
      verify<Order>(req, { secret })
        .then(({ type, data }) => res.send(`${type} ${data.orderId}`))
        .catch(next)
    })
    const server = await new Promise<Server>((resolve) => {
      const listening = app.listen(0, () => resolve(listening))
    })
    closers.push(() => server.close())
    expect(await deliver(portOf(server))).toEqual(answered)
  })

  it('in Express, with a parsed body, is told the fix', async () => {
    const app = express()
    app.post('/webhooks', express.json(), async (req, res) => {
      await verify(req, { secret }).catch((error: Error) => res.status(500).send(error.message))
    })
    const server = await new Promise<Server>((resolve) => {
      const listening = app.listen(0, () => resolve(listening))
    })
    closers.push(() => server.close())
    expect((await deliver(portOf(server)))[0]).toMatch(/^500 body-not-raw: use express\.raw\(\)/)
  })

  it('in Fastify', async () => {
    const app = fastify()
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    app.post('/webhooks', async (request) => {
      const event = await verify<Order>(request, { secret })
      return `${event.type} ${event.data.orderId}`
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    closers.push(() => app.close())
    expect(await deliver(portOf(app.server))).toEqual(answered)
  })

  it('in Hono', async () => {
    const app = new Hono()
    app.post('/webhooks', async (c) => {
      try {
        const event = await verify<Order>(c.req.raw, { secret })
        return c.text(`${event.type} ${event.data.orderId}`)
      } catch (error) {
        return c.text(codeOf(error), 400)
      }
    })
    const server = await new Promise<Server>((resolve) => {
      const listening = serve({ fetch: app.fetch, port: 0 }, () => resolve(listening as Server))
    })
    closers.push(() => server.close())
    expect(await deliver(portOf(server))).toEqual(answered)
  })

  it('in a Next route handler', async () => {
    const POST = async (request: Request): Promise<Response> => {
      try {
        const event = await verify<Order>(request, { secret })
        return new Response(`${event.type} ${event.data.orderId}`)
      } catch (error) {
        return new Response(codeOf(error), { status: 400 })
      }
    }
    const server = await new Promise<Server>((resolve) => {
      const listening = serve({ fetch: POST, port: 0 }, () => resolve(listening as Server))
    })
    closers.push(() => server.close())
    expect(await deliver(portOf(server))).toEqual(answered)
  })

  it('in Nest', async () => {
    @Controller()
    class Webhooks {
      @Post('webhooks')
      @HttpCode(200)
      async receive(@Req() request: { headers: Record<string, string>; rawBody?: Buffer }) {
        const event = await verify<Order>(request, { secret })
        return `${event.type} ${event.data.orderId}`
      }
    }
    @Module({ controllers: [Webhooks] })
    class App {}
    const app = await NestFactory.create(App, { rawBody: true, logger: false })
    app.useGlobalFilters({
      catch: (error, host) => host.switchToHttp().getResponse().status(400).send(codeOf(error)),
    })
    await app.listen(0)
    closers.push(() => app.close())
    expect(await deliver(portOf(app.getHttpServer()))).toEqual(answered)
  })
})
