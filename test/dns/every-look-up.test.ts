/** Every path that looks names up, over a DNS and a system that the test plays: each is bounded, remembers, and asks for names as they stand. */
import type { LookupAddress } from 'node:dns'
import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AddressGuard } from '../../src/guard.ts'
import type { Transport } from '../../src/transport.ts'

type Answered = (error: Error | null, answers?: string[]) => void

const played = vi.hoisted(() => ({
  /** Questions to DNS that are open, by name; the test answers them. */
  open: new Map<string, Answered[]>(),
  asked: [] as string[],
  most: 0,
  system: [] as string[],
}))

vi.mock('node:dns', () => ({
  Resolver: class {
    #names = new Set<string>()
    #ask(name: string, answered: Answered): void {
      this.#names.add(name)
      if (!played.open.has(name)) played.asked.push(name)
      played.open.set(name, [...(played.open.get(name) ?? []), answered])
      played.most = Math.max(played.most, played.open.size)
    }
    resolve4 = (name: string, answered: Answered) => this.#ask(name, answered)
    resolve6 = (name: string, answered: Answered) => this.#ask(name, answered)
    setServers() {}
    cancel() {
      for (const name of this.#names) played.open.delete(name)
    }
  },
  lookup(
    name: string,
    _options: object,
    callback: (error: Error | null, addresses: LookupAddress[]) => void,
  ) {
    played.system.push(name)
    callback(null, [{ address: '10.0.0.7', family: 4 }])
  },
}))

// Files share their modules: these are loaded anew over the mock, and once more by whoever comes afterwards.
vi.resetModules()
const { addressGuard } = await import('../../src/guard.ts')
const { kyTransport } = await import('../../src/transports/ky.ts')
const { undiciTransport } = await import('../../src/transports/undici.ts')
afterAll(() => {
  vi.doUnmock('node:dns')
  vi.resetModules()
})

beforeEach(() => {
  played.open.clear()
  played.asked.length = 0
  played.most = 0
  played.system.length = 0
})

const unknown = Object.assign(new Error('unknown'), { code: 'ENOTFOUND' })

/** Answers all that is open, and what is asked then, until `over`. */
async function answer(over: Promise<unknown>, what: (name: string) => string[] | null): Promise<void> {
  let isOver = false
  void over.then(() => {
    isOver = true
  })
  while (!isOver) {
    for (const [name, answered] of [...played.open]) {
      played.open.delete(name)
      const answers = what(name)
      for (const one of answered) {
        if (answers === null) one(unknown)
        else one(null, answers)
      }
    }
    await new Promise(setImmediate)
  }
}

/** Each says `blocked`, `unknown`, or that it would go there. */
const paths: Readonly<Record<string, (guard: AddressGuard) => (host: string) => Promise<string>>> = {
  'judge() of the guard': (guard) => async (host) => {
    const { rule } = await guard.judge(`http://${host}/`)
    return rule === 'look-up' ? 'unknown' : rule === 'address' ? 'blocked' : 'goes'
  },
  undici: (guard) => over(undiciTransport({ guard })),
  ky: (guard) => over(kyTransport({ guard })),
  'ky over fetch': (guard) =>
    over(kyTransport({ guard, fetch: async () => new Response(null, { status: 204 }) })),
}

function over(transport: Transport): (host: string) => Promise<string> {
  onTestFinished(() => transport.close())
  return async (host) => {
    const url = `http://${host}/`
    const result = await transport.send({ url, headers: {}, body: Buffer.from(''), deadlineMs: 5_000 })
    if (result.kind === 'response') return 'goes'
    return result.code === 'dns' ? 'unknown' : result.code
  }
}

describe.each(Object.entries(paths))('%s', (_name, make) => {
  test('regression: looks up at most eight names at once, and each once for all that ask', async () => {
    const ask = make(addressGuard({ allowHttp: true }))
    const hosts = Array.from({ length: 100 }, (_, n) => `host-${n % 50}.example.com`)
    const all = Promise.all(hosts.map(ask))
    await answer(all, () => ['10.0.0.1'])
    expect(new Set(await all)).toEqual(new Set(['blocked']))
    expect(await Promise.all(hosts.slice(50).map(ask))).toHaveLength(50)
    expect(played.asked).toHaveLength(50)
    expect(played.most).toBeLessThanOrEqual(8)
  })

  test('regression: a name of the cluster is unknown, whether or not a search domain knows it', async () => {
    const ask = make(addressGuard({ allowHttp: true }))
    const asked = ask('redis.prod')
    await answer(asked, () => null)
    expect(await asked).toBe('unknown')
    expect(played.system).toEqual([])
  })

  test('a name that an option opens is looked up as the system does it', async () => {
    const ask = make(addressGuard({ allowHttp: true, allowHosts: ['redis.prod'], denyCidrs: ['10.0.0.7'] }))
    const asked = ask('redis.prod')
    await answer(asked, () => null)
    expect(await asked).toBe('blocked')
    expect(played.system).toEqual(['redis.prod'])
  })
})

test('a fetch, which asks the system once more, does not go where that leads inside', async () => {
  const ask = paths['ky over fetch']?.(addressGuard({ allowHttp: true }))
  const asked = ask?.('redis.dev') ?? Promise.reject(new Error('no such path'))
  await answer(asked, () => ['93.184.216.34'])
  expect(await asked).toBe('blocked')
})
