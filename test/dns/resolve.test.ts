/** How one name is resolved: over a name server of our own, and by a look-up that stands for the system's. */
import { expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import { createResolve, resolveAsFetch } from '../../src/dns/resolve.ts'
import { nameServer, type Zone } from '../support/name-server.ts'

/** The system knows `inside`, with a search domain, so that a dot at the end makes them unknown; and asks `system` after them. */
async function setup(zone: Zone, make: typeof createResolve = createResolve) {
  const server = await nameServer(zone)
  onTestFinished(() => server.close())
  const system: string[] = []
  const inside: Lookup = (hostname, _options, callback) => {
    system.push(hostname)
    if (hostname.endsWith('.')) callback(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), [])
    else callback(null, [{ address: '10.0.0.7', family: 4 }])
  }
  const resolve = make({ nameServers: [server.address], system: inside })
  const ask = (hostname: string, asSystem: boolean) =>
    new Promise<string>((found) => {
      resolve(hostname, { asSystem, answered: false }, (error, addresses) => {
        const code = error !== null && 'code' in error ? String(error.code) : 'no error'
        found(error === null ? addresses.map(({ address }) => address).join() : code)
      })
    })
  return { ask, system, server }
}

const NXDOMAIN = 3

test.each([
  ['unknown', NXDOMAIN],
  ['without an address', []],
] as const)(
  'regression: no search domain tells whether a name that is %s exists inside',
  async (_how, said) => {
    for (const make of [createResolve, resolveAsFetch]) {
      const { ask, system } = await setup(() => said, make)
      expect(['ENOTFOUND', 'ENODATA']).toContain(await ask('redis.prod', false))
      expect(system).toEqual([])
    }
  },
)

test('a name that an option opens is asked of the system after DNS, as it was written', async () => {
  const { ask, system } = await setup(() => NXDOMAIN)
  expect(await ask('redis.prod', true)).toBe('10.0.0.7')
  expect(system).toEqual(['redis.prod'])
})

test('a name that only a network knows is asked of the system alone', async () => {
  const { ask, system, server } = await setup(() => expect.unreachable())
  expect(await ask('redis', true)).toBe('10.0.0.7')
  expect(await ask('redis.prod.svc.cluster.local', true)).toBe('10.0.0.7')
  expect(system).toEqual(['redis', 'redis.prod.svc.cluster.local'])
  expect(server.asked).toEqual([])
})

test('without a name server the system is asked for the name as it stands', async () => {
  const { ask, system, server } = await setup(() => expect.unreachable())
  server.close()
  expect(await ask('redis.prod', false)).toBe('ENOTFOUND')
  expect(await ask('redis.prod', true)).toBe('10.0.0.7')
  expect(system).toEqual(['redis.prod.', 'redis.prod'])
})

test('a fetch resolves by the system: what that says is judged with what DNS says', async () => {
  const { ask, system } = await setup(
    (name) => (name === 'redis.dev' ? ['192.0.2.1'] : NXDOMAIN),
    resolveAsFetch,
  )
  expect(await ask('redis.dev', false)).toBe('192.0.2.1,10.0.0.7')
  expect(await ask('redis.prod', true)).toBe('10.0.0.7')
  expect(system).toEqual(['redis.dev', 'redis.prod'])
})

test('what was given up asks nobody else', async () => {
  const IPV6 = 28
  const silent = 'a.example.com'
  const { ask, server, system } = await setup((name, type) =>
    name === silent && type === IPV6 ? null : NXDOMAIN,
  )
  const resolve = createResolve({
    nameServers: [server.address],
    system: (hostname) => void system.push(hostname),
  })
  const giveUp = resolve(silent, { asSystem: true, answered: false }, () => expect.unreachable())
  // By now its first question has had its answer.
  await ask('b.example.com', false)
  giveUp()
  await ask('c.example.com', false)
  expect(system).toEqual([])
})
