/** Look-ups over a name server of our own: failures, time, the limit of eight, rebinding. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import { addressGuard } from '../../src/guard.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { evilReceiver } from '../support/evil-receiver.ts'
import { nameServer, type Zone } from '../support/name-server.ts'

const guard = addressGuard({ allowHttp: true, allowCidrs: ['127.0.0.0/8'] })

async function setup(
  zone: Zone,
  options: { lookup?: Lookup; connectTimeoutMs?: number } = {},
  create: typeof undiciTransport | typeof kyTransport = undiciTransport,
) {
  const server = await nameServer(zone)
  const evil = await evilReceiver()
  const transport = create({ guard, nameServers: [server.address], ...options })
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
    server.close()
  })
  const send = async (host: string, deadlineMs = 5_000) => {
    const url = `http://${host}:${evil.port}/ok`
    const result = await transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs })
    return result.kind === 'failure' ? result.code : result.excerpt
  }
  return { server, evil, send }
}

describe.each([
  ['undici', undiciTransport],
  ['ky', kyTransport],
] as const)('over %s', (_name, create) => {
  test('a name is resolved over the wire, once for all that want it, and briefly remembered', async () => {
    const { server, send } = await setup(() => ['127.0.0.1'], {}, create)
    const results = await Promise.all(Array.from({ length: 20 }, () => send('one.example.com')))
    expect(new Set([...results, await send('one.example.com')])).toEqual(new Set(['fine']))
    expect(server.asked).toEqual(['one.example.com'])
  })

  test.each([
    ['NXDOMAIN', 3],
    ['SERVFAIL', 2],
    ['no address', []],
    ['REFUSED', 5],
    [
      'a loop of aliases',
      {
        aliases: [
          ['bad.example.com', 'worse.example.com'],
          ['worse.example.com', 'bad.example.com'],
        ],
      },
    ],
  ] as const)('%s is a dns failure', async (_what, answer) => {
    const { send, evil } = await setup(() => answer, {}, create)
    expect(await send('bad.example.com')).toBe('dns')
    expect(evil.accepted).toBe(0)
  })

  test('two hundred addresses are fine, and one that is private among them blocks', async () => {
    const many = Array.from({ length: 200 }, () => '127.0.0.1')
    const zone: Zone = (name) => (name.startsWith('bad') ? [...many, '10.0.0.1'] : many)
    const { send } = await setup(zone, {}, create)
    expect(await send('good.example.com')).toBe('fine')
    expect(await send('bad.example.com')).toBe('blocked')
  })

  test('a name server that says nothing ends in time', async () => {
    const { send } = await setup(() => null, { connectTimeoutMs: 200 }, create)
    expect(await send('silent.example.com')).toBe('dns')
    expect(await send('other.example.com', 50)).toBe('timeout')
  })

  test('an answer that comes after the deadline dials nobody, and the next one does', async () => {
    let release = () => {}
    const late = new Promise<void>((resolve) => {
      release = resolve
    })
    const zone: Zone = async () => {
      await late
      return ['127.0.0.1']
    }
    const { send, evil } = await setup(zone, { connectTimeoutMs: 200 }, create)
    expect(await send('late.example.com')).toBe('dns')
    expect(await send('later.example.com', 100)).toBe('timeout')
    release()
    expect(await send('in-time.example.com')).toBe('fine')
    expect(evil.accepted).toBe(1)
  })

  test('a hundred dead names delay no good one beyond their first moments', async () => {
    const zone: Zone = (name) => (name.startsWith('dead') ? null : ['127.0.0.1'])
    const { send, server } = await setup(zone, {}, create)
    const dead = Array.from({ length: 100 }, (_, n) => send(`dead-${n}.example.com`, 8_000))
    const good = Array.from({ length: 100 }, (_, n) => send(`good-${n}.example.com`, 8_000))
    expect(new Set(await Promise.all(good))).toEqual(new Set(['fine']))
    expect(server.asked.filter((name) => name.startsWith('dead')).length).toBeGreaterThan(8)
    const late = Array.from({ length: 20 }, (_, n) => send(`late-${n}.example.com`, 2_000))
    expect(new Set(await Promise.all(late))).toEqual(new Set(['fine']))
    for (const code of await Promise.all(dead)) expect(['dns', 'timeout']).toContain(code)
  }, 40_000)

  test('regression: of two hundred names that hang in a look-up of the host, at most eight hold a call', async () => {
    const hung = new Set<string>()
    let most = 0
    const lookup: Lookup = (hostname, _options, callback) => {
      if (!hostname.startsWith('hung')) return callback(null, [{ address: '127.0.0.1', family: 4 }])
      expect(hung.has(hostname)).toBe(false)
      hung.add(hostname)
      most = Math.max(most, hung.size)
    }
    const { send } = await setup(() => null, { lookup, connectTimeoutMs: 3_000 }, create)
    const goods = Array.from({ length: 100 }, (_, n) => `good-${n}.example.com`)
    expect(new Set(await Promise.all(goods.map((host) => send(host))))).toEqual(new Set(['fine']))
    const dead = Array.from({ length: 200 }, (_, n) => send(`hung-${n}.example.com`, 1_500))
    expect(new Set(await Promise.all(dead))).toEqual(new Set(['timeout']))
    expect(new Set(await Promise.all(goods.map((host) => send(host))))).toEqual(new Set(['fine']))
    expect(most).toBeLessThanOrEqual(8)
  })
})

test('live rebinding: a name that flips never gets a packet to the private address', async () => {
  let turn = 0
  const sets = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['169.254.169.254']]
  const asked: string[] = []
  const lookup: Lookup = (hostname, _options, callback) => {
    asked.push(hostname)
    const set = sets[turn++ % sets.length] ?? []
    callback(
      null,
      set.map((address) => ({ address, family: 4 })),
    )
  }
  const { send, evil } = await setup(() => null, { lookup })
  const codes: string[] = []
  for (let n = 0; n < 400; n++) codes.push(await send('flip.example.com'))
  expect(codes.filter((code) => code === 'fine')).toHaveLength(100)
  expect(codes.filter((code) => code === 'blocked')).toHaveLength(300)
  expect(asked).toHaveLength(400)
  expect(evil.requests).toHaveLength(100)
})

test('proxy variables of the environment are ignored', async () => {
  const proxy = await evilReceiver()
  const names = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'all_proxy',
    'NODE_USE_ENV_PROXY',
  ]
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  onTestFinished(async () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await proxy.close()
  })
  for (const name of names)
    process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxy.port}`
  const { send } = await setup(() => ['127.0.0.1'])
  expect(await send('one.example.com')).toBe('fine')
  expect(proxy.accepted).toBe(0)
})

test('closed, open and filtered ports inside say the same, after no packet at all', async () => {
  const evil = await evilReceiver()
  const transport = undiciTransport({ guard: addressGuard({ allowHttp: true }) })
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const seen = new Set<string>()
  for (const port of [evil.port, 1, 6379, 65_535]) {
    for (const host of ['127.0.0.1', '10.255.255.1', '[::1]']) {
      const url = `http://${host}:${port}/`
      const { timing: _timing, ...rest } = await transport.send({
        url,
        headers: {},
        body: Buffer.from(''),
        deadlineMs: 500,
      })
      seen.add(JSON.stringify(rest))
    }
  }
  expect([...seen]).toHaveLength(1)
  expect(evil.accepted).toBe(0)
})
