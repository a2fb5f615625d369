import type { LookupAddress } from 'node:dns'
import { expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/transports/connector.ts'
import { failureError } from '../../src/transports/failure.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { type UndiciTransportOptions, undiciTransport } from '../../src/transports/undici.ts'
import { type EvilOptions, evilReceiver, tlsFixture } from '../support/evil-receiver.ts'

const resolvesTo =
  (...addresses: string[]): Lookup =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )

async function setup(options: UndiciTransportOptions, receiver: EvilOptions = {}) {
  const transport = undiciTransport({ tls: { ca: tlsFixture('ca') }, ...options })
  const evil = await evilReceiver(receiver)
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const send = (url: string) =>
    transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 })
  return { evil, send }
}

const refuse = (seen: LookupAddress[][]) => (_hostname: string, addresses: readonly LookupAddress[]) => {
  seen.push([...addresses])
  throw failureError('blocked', 'This address is not allowed.')
}

test.each(['127.0.0.1', '2130706433', '0x7f.1', '127.1'])(
  'the literal address %s is judged',
  async (host) => {
    const seen: LookupAddress[][] = []
    const { evil, send } = await setup({ judge: refuse(seen) })
    const result = await send(`http://${host}:${evil.port}/ok`)
    expect(result).toMatchObject({
      code: 'blocked',
      message: 'This address is not allowed.',
      mayHaveBeenReceived: false,
    })
    expect(seen).toEqual([[{ address: '127.0.0.1', family: 4 }]])
    expect(evil.accepted).toBe(0)
  },
)

test('an IPv6 literal is judged without its brackets', async () => {
  const seen: LookupAddress[][] = []
  const { send } = await setup({ judge: refuse(seen) })
  expect(await send('http://[::1]:1/')).toMatchObject({ code: 'blocked' })
  expect(seen).toEqual([[{ address: '::1', family: 6 }]])
})

test('all addresses of a name are judged, over http and https', async () => {
  const seen: LookupAddress[][] = []
  const lookup = resolvesTo('127.0.0.1', '127.0.0.2')
  const { evil, send } = await setup({ judge: refuse(seen), lookup })
  for (const scheme of ['http', 'https']) {
    expect(await send(`${scheme}://receiver.example:${evil.port}/ok`)).toMatchObject({ code: 'blocked' })
  }
  expect(seen.map((addresses) => addresses.length)).toEqual([2, 2])
  expect(evil.accepted).toBe(0)
})

test('only what the judge lets pass is dialled', async () => {
  const lookup = resolvesTo('127.0.0.2', '127.0.0.1')
  const { evil, send } = await setup({ lookup, judge: (_host, all) => all.slice(1) })
  expect(await send(`http://receiver.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
})

test('when the first address is dead the next one is dialled', async () => {
  const { evil, send } = await setup({ lookup: resolvesTo('127.0.0.2', '127.0.0.3', '127.0.0.1') })
  expect(await send(`http://receiver.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
})

test('a name without addresses is a dns failure', async () => {
  const { send } = await setup({ lookup: resolvesTo() })
  expect(await send('http://receiver.example/')).toMatchObject({ code: 'dns', mayHaveBeenReceived: false })
})

test('a look-up that never answers ends with the connect timeout', async () => {
  const { send } = await setup({ lookup: () => {}, connectTimeoutMs: 100 })
  expect(await send('http://receiver.example/')).toMatchObject({
    code: 'connect',
    mayHaveBeenReceived: false,
  })
})

test('the certificate is checked against the name, not the address that was dialled', async () => {
  const { evil, send } = await setup({ lookup: resolvesTo('127.0.0.1') }, { tls: 'other-host' })
  expect(await send(`https://other.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
  expect(await send(`https://receiver.example:${evil.port}/ok`)).toMatchObject({ code: 'tls' })
})

test('ky on Node passes the same judge', async () => {
  const seen: LookupAddress[][] = []
  const transport = kyTransport({ judge: refuse(seen) })
  onTestFinished(() => transport.close())
  const result = await transport.send({
    url: 'http://127.0.0.1:1/',
    headers: {},
    body: Buffer.from(''),
    deadlineMs: 500,
  })
  expect(result).toMatchObject({ code: 'blocked', mayHaveBeenReceived: false })
})

test('a judge without sockets to judge is refused when the transport is made', () => {
  expect(() => kyTransport({ judge: (_host, all) => all, fetch: globalThis.fetch })).toThrow(/judge/)
})
