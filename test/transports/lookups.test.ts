/** Look-ups over a name server of our own: failures, time, the limit of eight, rebinding. */
import { createSocket } from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { addressGuard } from '../../src/guard.ts'
import { createLookups } from '../../src/transports/lookups.ts'
import type { Lookup } from '../../src/transports/resolve.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

/** What the name server says to a question for A; `null` says nothing at all, a number is an error code. */
type Zone = (name: string) => readonly string[] | number | null

async function nameServer(zone: Zone) {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = question(query)
    if (type === 1) asked.push(name)
    const answers = zone(name)
    if (answers === null) return
    const code = typeof answers === 'number' ? answers : 0
    const records = Array.isArray(answers) && type === 1 ? answers : []
    const header = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      0x80 | code,
      0,
      1,
      0,
      records.length,
      0,
      0,
      0,
      0,
    ])
    const body = records.map((ip: string) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, end), ...body]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return { asked, address: `127.0.0.1:${socket.address().port}` }
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

const guard = addressGuard({ allowHttp: true, allowCidrs: ['127.0.0.0/8'] })

async function setup(zone: Zone, options = {}) {
  const server = await nameServer(zone)
  const evil = await evilReceiver()
  const transport = undiciTransport({ guard, nameServers: [server.address], ...options })
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const send = async (host: string, deadlineMs = 5_000) => {
    const url = `http://${host}:${evil.port}/ok`
    const result = await transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs })
    return result.kind === 'failure' ? result.code : result.excerpt
  }
  return { server, evil, send }
}

test('a name is resolved over the wire, once for all that want it, and briefly remembered', async () => {
  const { server, send } = await setup(() => ['127.0.0.1'])
  const results = await Promise.all(Array.from({ length: 20 }, () => send('one.example.com')))
  expect(new Set([...results, await send('one.example.com')])).toEqual(new Set(['fine']))
  expect(server.asked).toEqual(['one.example.com'])
})

test.each([
  ['NXDOMAIN', 3],
  ['SERVFAIL', 2],
  ['no address', []],
  ['REFUSED', 5],
] as const)('%s is a dns failure', async (_what, answer) => {
  const { send, evil } = await setup(() => answer)
  expect(await send('bad.example.com')).toBe('dns')
  expect(evil.accepted).toBe(0)
})

test('two hundred addresses are fine, and one that is private among them blocks', async () => {
  const many = Array.from({ length: 25 }, () => '127.0.0.1')
  const { send } = await setup((name) => (name.startsWith('bad') ? [...many, '10.0.0.1'] : many))
  expect(await send('good.example.com')).toBe('fine')
  expect(await send('bad.example.com')).toBe('blocked')
})

test('a name server that says nothing ends in time', async () => {
  const { send } = await setup(() => null, { connectTimeoutMs: 200 })
  expect(await send('silent.example.com')).toBe('dns')
  expect(await send('other.example.com', 50)).toBe('timeout')
})

test('a hundred dead names delay no good one beyond their first half second', async () => {
  const { send, server } = await setup((name) => (name.startsWith('dead') ? null : ['127.0.0.1']))
  const dead = Array.from({ length: 100 }, (_, n) => send(`dead-${n}.example.com`, 12_000))
  const good = Array.from({ length: 100 }, (_, n) => send(`good-${n}.example.com`, 12_000))
  expect(new Set(await Promise.all(good))).toEqual(new Set(['fine']))
  expect(server.asked.filter((name) => name.startsWith('dead')).length).toBeGreaterThan(8)
  const late = Array.from({ length: 20 }, (_, n) => send(`late-${n}.example.com`, 2_000))
  expect(new Set(await Promise.all(late))).toEqual(new Set(['fine']))
  for (const code of await Promise.all(dead)) expect(['dns', 'timeout']).toContain(code)
}, 40_000)

test('never more than eight are in progress', async () => {
  const open = new Map<string, () => void>()
  let most = 0
  const lookups = createLookups({
    clock: systemClock,
    timeoutMs: 60_000,
    keepMs: 0,
    resolve: (hostname, done) => {
      open.set(hostname, () => {
        open.delete(hostname)
        done(null, [{ address: '127.0.0.1', family: 4 }])
      })
      most = Math.max(most, open.size)
      return () => open.delete(hostname)
    },
  })
  let found = 0
  for (let n = 0; n < 50; n++) lookups.find(`n${n}.example.com`, () => found++)
  while (open.size > 0) for (const answer of [...open.values()]) answer()
  expect({ found, most }).toEqual({ found: 50, most: 8 })
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
