import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { MAX_READ_BYTES } from '../../src/transport.ts'
import { type UndiciTransportOptions, undiciTransport } from '../../src/transports/undici.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

async function setup(options: UndiciTransportOptions = {}) {
  const transport = undiciTransport(options)
  const evil = await evilReceiver()
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const send = (mode: string, deadlineMs = 5_000) =>
    transport.send({ url: evil.url(mode), headers: {}, body: Buffer.from('{}'), deadlineMs })
  return { transport, evil, send }
}

test('a kept connection that is closed without a byte says that it was a used one', async () => {
  const { evil, send } = await setup()
  expect(await send('once-then-close')).toMatchObject({ kind: 'response', excerpt: 'first' })
  const second = await send('once-then-close')
  expect(second).toMatchObject({ code: 'reset', mayHaveBeenReceived: true, onReusedConnection: true })
  expect(evil.accepted).toBe(1)
})

test('a fresh connection that is closed without a byte does not', async () => {
  const { send } = await setup()
  expect(await send('close-after-request')).not.toHaveProperty('onReusedConnection')
})

test('a kept connection that breaks in the middle of an answer does not', async () => {
  const { send } = await setup()
  await send('ok')
  expect(await send('reset-in-body')).not.toHaveProperty('onReusedConnection')
})

test('requests beyond the connections of an origin wait their turn', async () => {
  const { evil, send } = await setup({ connectionsPerOrigin: 2 })
  const results = await Promise.all(Array.from({ length: 30 }, () => send('ok')))
  expect(results.every((result) => result.kind === 'response')).toBe(true)
  expect(evil.accepted).toBe(2)
})

test('a request that waits for a connection keeps its deadline and was not received', async () => {
  const { evil, send } = await setup({ connectionsPerOrigin: 1 })
  const first = send('silent', 600)
  expect(await send('ok', 100)).toMatchObject({ code: 'timeout', mayHaveBeenReceived: false })
  expect(await first).toMatchObject({ code: 'timeout', mayHaveBeenReceived: true })
  expect(evil.requests).toHaveLength(1)
  expect(await send('ok')).toMatchObject({ kind: 'response' })
})

test('after a failure the next one that waits gets a new connection', async () => {
  const { send } = await setup({ connectionsPerOrigin: 1 })
  const all = ['reset-after-request', 'ok', 'body-stall', 'ok'].map((mode) => send(mode, 300))
  const kinds = (await Promise.all(all)).map((result) => (result.kind === 'response' ? 'ok' : result.code))
  expect(kinds).toEqual(
    ['reset', 'ok', 'timeout', 'ok'].map((kind, n) => (n === 3 ? expect.any(String) : kind)),
  )
})

test('idle connections are closed after their time and their origin is forgotten', async () => {
  const { transport, evil, send } = await setup({ idleMs: 50 })
  await send('ok')
  expect(transport.stats()).toEqual({ origins: 1, open: 1, idle: 1 })
  await evil.allClosed()
  await new Promise(setImmediate)
  expect(transport.stats()).toEqual({ origins: 0, open: 0, idle: 0 })
})

test('thousands of origins leave no more idle connections than allowed', async () => {
  const server = createServer((_request, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  const transport = undiciTransport({ maxIdleConnections: 20 })
  onTestFinished(async () => {
    await transport.close()
    server.closeAllConnections()
    server.close()
  })
  const hosts = Array.from({ length: 2_000 }, (_, n) => `127.0.${1 + (n >> 8)}.${n & 255}`)
  for (let from = 0; from < hosts.length; from += 50) {
    const some = hosts.slice(from, from + 50)
    const results = await Promise.all(
      some.map((host) =>
        transport.send({
          url: `http://${host}:${port}/`,
          headers: {},
          body: Buffer.from('{}'),
          deadlineMs: 5_000,
        }),
      ),
    )
    expect(results.filter((result) => result.kind === 'failure')).toEqual([])
    expect(transport.stats().open).toBeLessThanOrEqual(20)
  }
  expect(transport.stats()).toEqual({ origins: 20, open: 20, idle: 20 })
  const sockets = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  await expect.poll(sockets).toBe(20)
  await transport.close()
  await expect.poll(sockets).toBe(0)
})

test('thousands that wait and cannot be sent fail one after the other, not down one stack', async () => {
  const { transport, evil, send } = await setup({ connectionsPerOrigin: 1 })
  const first = send('silent', 300)
  const bad = { url: evil.url('ok'), headers: { 'x-a': '\n' }, body: Buffer.from('{}'), deadlineMs: 5_000 }
  const results = await Promise.all(Array.from({ length: 20_000 }, () => transport.send(bad)))
  expect(results.every((result) => result.kind === 'failure' && result.code === 'invalid-request')).toBe(true)
  expect(await first).toMatchObject({ code: 'timeout' })
  expect(transport.stats()).toEqual({ origins: 0, open: 0, idle: 0 })
})

test('origins that cannot be reached are forgotten', async () => {
  const { transport, evil } = await setup()
  await evil.close()
  const send = (n: number) =>
    transport.send({
      url: `http://127.1.0.${n}:${evil.port}/`,
      headers: {},
      body: Buffer.from(''),
      deadlineMs: 5_000,
    })
  await Promise.all(Array.from({ length: 200 }, (_, n) => send(n + 1)))
  expect(transport.stats()).toEqual({ origins: 0, open: 0, idle: 0 })
})

test('the one used last is used next, the one idle for longest goes first', async () => {
  const { transport, evil, send } = await setup({ maxIdleConnections: 2 })
  await Promise.all([send('ok'), send('ok'), send('ok')])
  expect(transport.stats()).toMatchObject({ idle: 2 })
  await send('ok')
  expect(evil.requests.at(-1)?.connection).toBe(evil.requests.at(-2)?.connection)
})

test.each(['endless-chunks', 'endless-tiny-chunks', 'ten-gigabytes'])(
  '%s is read up to 128 KB and one read more',
  async (mode) => {
    const { send } = await setup()
    let parsed = 0
    const count = (message: unknown) => {
      parsed += (message as { chunk: Buffer }).chunk.length
    }
    subscribe('undici:request:bodyChunkReceived', count)
    await send(mode)
    unsubscribe('undici:request:bodyChunkReceived', count)
    expect(parsed).toBeLessThanOrEqual(MAX_READ_BYTES + 65_536)
  },
)
