import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import { addressGuard } from '../../src/guard.ts'
import type { Transport } from '../../src/transport.ts'
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

const strict = addressGuard({ allowHttp: true })
const forLoopback = addressGuard({ allowHttp: true, allowCidrs: ['127.0.0.0/8'] })
const blocked = {
  kind: 'failure',
  code: 'blocked',
  message: 'The target of this request is not allowed.',
  mayHaveBeenReceived: false,
}

test.each(['127.0.0.1', '2130706433', '0x7f.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
  'without a look-up, the host %s is blocked',
  async (host) => {
    const lookup: Lookup = () => expect.unreachable('a literal needs no look-up')
    const { evil, send } = await setup({ guard: strict, lookup })
    expect(await send(`http://${host}:${evil.port}/ok`)).toMatchObject(blocked)
    expect(evil.accepted).toBe(0)
  },
)

test.each(['http', 'https'])('one private answer blocks the name, over %s', async (scheme) => {
  for (const answers of [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['127.0.0.1', '93.184.216.34']]) {
    const { evil, send } = await setup({ guard: strict, lookup: resolvesTo(...answers) })
    expect(await send(`${scheme}://receiver.example:${evil.port}/ok`)).toMatchObject(blocked)
    expect(evil.accepted).toBe(0)
  }
})

test('what the options allow is delivered, by address and by name', async () => {
  const { evil, send } = await setup({ guard: forLoopback, lookup: resolvesTo('127.0.0.1') })
  expect(await send(`http://127.0.0.1:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
  expect(await send(`http://receiver.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
})

test('the guard that comes with a request wins over that of the transport', async () => {
  const transport = undiciTransport({ guard: strict })
  const evil = await evilReceiver()
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const request = { url: evil.url('ok'), headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 }
  expect(await transport.send(request)).toMatchObject(blocked)
  expect(await transport.send({ ...request, guard: forLoopback })).toMatchObject({ excerpt: 'fine' })
})

test('the name is asked for once for each connect, and the answer that was judged is dialled', async () => {
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['127.0.0.1']]
  let asked = 0
  const lookup: Lookup = (_hostname, _options, callback) => {
    const addresses = answers[asked++] ?? []
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )
  }
  const { evil, send } = await setup({ guard: forLoopback, lookup })
  const url = `http://receiver.example:${evil.port}/ok`
  const codes: string[] = []
  for (let i = 0; i < 4; i++) {
    const result = await send(url)
    codes.push(result.kind === 'failure' ? result.code : result.excerpt)
  }
  expect(codes).toEqual(['fine', 'blocked', 'blocked', 'fine'])
  expect(asked).toBe(4)
})

test('Host keeps the name, without a trailing dot', async () => {
  const { evil, send } = await setup({ lookup: resolvesTo('127.0.0.1') })
  await send(`http://receiver.example.:${evil.port}/ok`)
  const hosts = evil.requests.at(-1)?.headers.filter(([name]) => name === 'host')
  expect(hosts).toEqual([['host', `receiver.example:${evil.port}`]])
})

test('a kept connection is lent to no request whose name leads elsewhere by now', async () => {
  const { seen, send, transport, moveTo } = await movingName(undiciTransport)
  for (const address of ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2']) {
    moveTo(address)
    await send()
  }
  moveTo('10.0.0.1')
  expect(await send()).toMatchObject(blocked)
  expect(seen).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2'])
  expect(transport.stats()).toEqual({ origins: 1, open: 1, idle: 1 })
})

test.each([
  ['undici', undiciTransport],
  ['ky', kyTransport],
] as const)(
  'a name that moves inside a thousand times finds no kept connection, over %s',
  async (_name, create) => {
    const { seen, send, moveTo } = await movingName(create)
    const wanted: string[] = []
    for (let n = 0; n < 1_000; n++) {
      const address = `127.0.0.${1 + (n % 2)}`
      moveTo(address)
      expect(await send()).toMatchObject({ status: 200 })
      wanted.push(address)
      moveTo('10.0.0.1')
      expect(await send()).toMatchObject(blocked)
    }
    expect(seen).toEqual(wanted)
  },
)

/** A receiver that sees at which of its addresses it is met, and a name that leads where the test says. */
async function movingName<T extends Transport>(
  create: (options: Pick<UndiciTransportOptions, 'guard' | 'lookup' | 'connectionsPerOrigin'>) => T,
) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.socket.localAddress ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  let address = '127.0.0.1'
  const lookup: Lookup = (_hostname, _options, callback) => callback(null, [{ address, family: 4 }])
  const transport = create({ guard: forLoopback, lookup, connectionsPerOrigin: 1 })
  onTestFinished(async () => {
    await transport.close()
    server.closeAllConnections()
    server.close()
  })
  const url = `http://receiver.example:${port}/`
  return {
    ...{ seen, transport },
    send: () => transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 }),
    moveTo(where: string) {
      address = where
    },
  }
}

test('when the first address is dead the next one is dialled', async () => {
  const { evil, send } = await setup({ lookup: resolvesTo('127.0.0.2', '127.0.0.3', '127.0.0.1') })
  expect(await send(`http://receiver.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
})

test('a name without addresses is a dns failure', async () => {
  const { send } = await setup({ lookup: resolvesTo() })
  expect(await send('http://receiver.example/')).toMatchObject({ code: 'dns', mayHaveBeenReceived: false })
})

test('a look-up that never answers ends after its own time', async () => {
  const { send } = await setup({ lookup: () => {}, connectTimeoutMs: 100 })
  expect(await send('http://receiver.example/')).toMatchObject({
    code: 'dns',
    mayHaveBeenReceived: false,
  })
})

test('the certificate is checked against the name, not the address that was dialled', async () => {
  const { evil, send } = await setup({ lookup: resolvesTo('127.0.0.1') }, { tls: 'other-host' })
  expect(await send(`https://other.example:${evil.port}/ok`)).toMatchObject({ excerpt: 'fine' })
  expect(await send(`https://receiver.example:${evil.port}/ok`)).toMatchObject({ code: 'tls' })
})

test.each([
  ['ky over undici', {}],
  ['ky over fetch', { fetch: globalThis.fetch }],
])('%s goes through the same guard', async (_name, options) => {
  const transport = kyTransport(options)
  const evil = await evilReceiver()
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const request = { url: evil.url('ok'), headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 }
  expect(await transport.send({ ...request, guard: strict })).toMatchObject(blocked)
  const localhost = { ...request, url: `http://localhost:${evil.port}/ok` }
  const named = { judgeUrl: () => ({ allowed: true, hostname: 'localhost', address: null }) as const }
  const guard = { ...strict, ...named }
  expect(await transport.send({ ...localhost, guard })).toMatchObject(blocked)
  expect(evil.accepted).toBe(0)
  expect(await transport.send({ ...request, guard: forLoopback })).toMatchObject({ excerpt: 'fine' })
})
