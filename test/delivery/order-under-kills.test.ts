/** Test 47 of the reliability list in reduced counts: order by key under failures, several workers, and workers that die. */
import { expect, it, onTestFinished } from 'vitest'
import { createWebhooks, schedule } from '../../src/index.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { type ManualClock, manualClock } from '../../src/testing/manual-clock.ts'
import type { Transport, TransportRequest, TransportResult } from '../../src/transport.ts'
import { createSqliteFile, sqliteDrivers } from '../support/databases/sqlite.ts'
import { quietLogger } from '../support/setup.ts'

const never = new Promise<never>(() => {})

/** Repeatable chance. */
function chance(seed: number) {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

/** Everything through it hangs for ever once `isDead` says so, as it does for a process that was killed. */
function mortal<Thing extends object>(thing: Thing, isDead: () => boolean): Thing {
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...input: unknown[]) => {
        if (isDead()) return never
        const answer: unknown = await value.apply(target, input)
        return isDead() ? never : answer
      }
    },
  })
}

const stores = {
  memory: async (clock: ManualClock) => memoryStore({ clock }),
  async sqlite(clock: ManualClock) {
    const file = await createSqliteFile()
    const client = sqliteDrivers['node:sqlite'](file.path)
    onTestFinished(async () => {
      client.close()
      await file.remove()
    })
    const store = sqliteStore({ client, clock })
    await store.migrate()
    return store
  },
}

it.each([
  ['memory', 1, 40, 15, 10],
  ['memory', 2, 40, 15, 10],
  ['sqlite', 3, 10, 8, 5],
] as const)(
  'on %s keeps the order of every key, and delivers all (seed %i)',
  async (name, seed, KEYS, EACH, KILLS) => {
    const random = chance(seed)
    const clock = manualClock()
    const store = (await stores[name](clock)) as Store<never>
    const firsts = new Map<string, number[]>()

    const receiver: Transport = {
      name: 'test',
      close: async () => {},
      async send(request: TransportRequest): Promise<TransportResult> {
        const { key, n } = JSON.parse(new TextDecoder().decode(request.body)).data
        await new Promise<void>((resolve) => clock.setTimer(resolve, 20 + random() * 400))
        const status = random() < 0.1 ? 500 : 200
        const known = firsts.get(key) ?? []
        if (status === 200 && !known.includes(n)) firsts.set(key, [...known, n])
        const timing = { firstByteMs: 1, totalMs: 20 }
        return { kind: 'response', status, headers: {}, excerpt: '', truncated: false, timing }
      },
    }

    function spawn() {
      let dead = false
      const webhooks = createWebhooks({
        store: mortal(store, () => dead),
        transport: mortal(receiver, () => dead),
        clock,
        logger: quietLogger,
        random,
        retry: schedule(Array(60).fill('2s'), { jitter: 0.2 }),
        breaker: false,
      })
      return {
        webhooks,
        kill: () => {
          dead = true
        },
      }
    }

    const producer = createWebhooks({ store, transport: receiver, clock, logger: quietLogger })
    await producer.subscriptions.create({
      tenantId: 'acme',
      url: 'https://receiver.example/',
      ordering: 'key',
    })
    await producer.subscriptions.create({
      tenantId: 'acme',
      url: 'https://receiver.example/',
      events: ['other'],
    })
    const workers = [spawn(), spawn(), spawn()]
    for (const { webhooks } of workers) await webhooks.start()
    for (let n = 0; n < EACH; n++) {
      for (let key = 0; key < KEYS; key++) {
        const publishing = n % 2 === 0 ? producer : (workers[key % 3]?.webhooks ?? producer)
        await publishing.publish('a', { key: `k${key}`, n }, { tenantId: 'acme', orderingKey: `k${key}` })
      }
      await clock.advance(50)
      if (n >= KILLS) continue
      const index = Math.floor(random() * 3)
      workers[index]?.kill()
      const fresh = spawn()
      workers[index] = fresh
      await fresh.webhooks.start()
      await clock.advance(200)
    }
    await clock.advance(300_000)
    expect(firsts.size).toBe(KEYS)
    for (const order of firsts.values()) expect(order).toEqual(Array.from({ length: EACH }, (_, n) => n))
    const { due, held, scheduled } = await store.backlog({ tenant: 'acme' })
    expect({ due, held, scheduled }).toEqual({ due: 0, held: 0, scheduled: 0 })
    for (const { kill } of workers) kill()
  },
)
