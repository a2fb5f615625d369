/** Wake-up hints on Postgres: they arrive, they are few, they never run in the caller's transaction, and silence is told once. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { Database } from '../../../src/stores/sql/executor.ts'
import { createWakeHints } from '../../../src/stores/sql/wake-hints.ts'
import { manualClock } from '../../../src/testing/index.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'

let database: Awaited<ReturnType<typeof createPostgresDatabase>>
const pools: pg.Pool[] = []

function openPool(max = 4): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.url, max })
  pools.push(pool)
  return pool
}

beforeAll(async () => {
  database = await createPostgresDatabase()
  await postgresStore({ client: openPool() }).migrate()
})

afterAll(async () => {
  for (const pool of pools) await pool.end()
  await database.drop()
})

/** Counts, and lets a test wait for a number. */
function bell() {
  let rung = 0
  const waiting: { readonly upTo: number; readonly resolve: () => void }[] = []
  return {
    ring() {
      rung += 1
      for (const one of waiting) if (rung >= one.upTo) one.resolve()
    },
    get rung() {
      return rung
    },
    reaches: (upTo: number) =>
      rung >= upTo ? undefined : new Promise<void>((resolve) => waiting.push({ upTo, resolve })),
  }
}

describe('a store with `listen`', () => {
  it('hears what another process has published', async () => {
    const worker = postgresStore({ client: openPool(), listen: true })
    const heard = bell()
    const stop = worker.onWake?.(heard.ring)
    await heard.reaches(1) // it listens
    const before = heard.rung
    const producer = createWebhooks({ store: postgresStore({ client: openPool(), listen: true }) })
    await producer.publish('order.paid', { id: 1 }, { tenantId: 'acme' })
    await heard.reaches(before + 1)
    stop?.()
    await worker.close()
    await producer.stop()
  })

  it('says nothing in the transaction of the caller', async () => {
    const client = openPool()
    const webhooks = createWebhooks({ store: postgresStore({ client, listen: true }) })
    const tx = await client.connect()
    const texts: string[] = []
    const query = tx.query.bind(tx)
    tx.query = ((statement: { text?: string } | string, ...rest: never[]) => {
      texts.push(typeof statement === 'string' ? statement : (statement.text ?? ''))
      return query(statement as string, ...rest)
    }) as typeof tx.query
    await tx.query('begin')
    await webhooks.publish('order.paid', { id: 2 }, { tenantId: 'acme', tx })
    await tx.query('commit')
    tx.release()
    await webhooks.stop()
    expect(texts.length).toBeGreaterThan(2)
    expect(texts.filter((text) => /notify/i.test(text))).toEqual([])
  })

  it('warns once, clearly, where notifications are dropped, and still delivers its hints to nobody', async () => {
    const clock = manualClock()
    const statements: string[] = []
    const deaf = {
      dialect: 'postgres',
      driver: 'pg',
      query: async (sql: string) => {
        statements.push(sql)
        return { rows: [], rowCount: 0 }
      },
      listen: async () => async () => {},
    } as unknown as Database<unknown>
    const warnings: string[] = []
    const stop = createWakeHints(deaf, 'posthorn', clock, () => 0.5).onWake(
      () => {},
      (message) => warnings.push(message),
    )
    for (let turn = 0; turn < 10; turn += 1) await clock.advance(30_000)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/pooler in transaction mode.*polling.*`listen`/s)
    expect(statements.length).toBeGreaterThan(3)
    stop()
  })

  it('listens anew when its connection is lost', async () => {
    const clock = manualClock()
    const hears: ((payload: string) => void)[] = []
    let alive = true
    let woken = 0
    const flickering = {
      dialect: 'postgres',
      driver: 'pg',
      query: async (_sql: string, [, payload]: [string, string]) => {
        if (!alive) return new Promise(() => {})
        hears.at(-1)?.(payload)
        return { rows: [], rowCount: 0 }
      },
      listen: async (_channel: string, onMessage: (payload: string) => void) => {
        hears.push(onMessage)
        alive = true
        return () => new Promise<void>(() => {})
      },
    } as unknown as Database<unknown>
    const warnings: string[] = []
    const stop = createWakeHints(flickering, 'posthorn', clock, () => 0.5).onWake(
      () => {
        woken += 1
      },
      (message) => warnings.push(message),
    )
    for (let turn = 0; turn < 10; turn += 1) await clock.advance(5_000)
    expect([hears.length, woken]).toEqual([1, 1])
    alive = false
    for (let turn = 0; turn < 3; turn += 1) await clock.advance(5_000)
    // Woken once more: something may have become due while nothing was heard.
    expect([hears.length, woken]).toEqual([2, 2])
    expect(warnings).toEqual([])
    stop()
  })

  /** Ten processes that began to listen at the same moment; a notification takes 20 ms to all of them. */
  function ten(random: (process: number) => number) {
    const clock = manualClock()
    const processes: ((payload: string) => void)[] = []
    const probedAt: number[] = []
    const shared = {
      dialect: 'postgres',
      driver: 'pg',
      query: async (_sql: string, [, payload]: [string, string]) => {
        probedAt.push(clock.monotonic())
        clock.setTimer(() => {
          for (const hear of processes) hear(payload)
        }, 20)
        return { rows: [], rowCount: 0 }
      },
      listen: async (_channel: string, onMessage: (payload: string) => void) => {
        processes.push(onMessage)
        return async () => {}
      },
    } as unknown as Database<unknown>
    const woken = bell()
    const stops = Array.from({ length: 10 }, (_, process) =>
      createWakeHints(shared, 'posthorn', clock, () => random(process)).onWake(woken.ring),
    )
    onTestFinished(() => {
      for (const stop of stops) stop()
    })
    return { clock, processes, probedAt, woken }
  }

  it('wakes nobody to find out whether it hears, and asks only when it has heard nothing for a while', async () => {
    const { clock, processes, probedAt, woken } = ten((process) => process / 10)
    await clock.advance(5_000)
    probedAt.length = 0
    const before = woken.rung
    await clock.advance(120_000)
    expect(woken.rung).toBe(before)
    expect(probedAt.length).toBeGreaterThanOrEqual(120 / 10)
    expect(probedAt.length).toBeLessThanOrEqual(120 / 5)
    for (const hear of processes) hear('')
    expect(woken.rung).toBe(before + 10)
  })

  it('does not ask at the same moment as the others, whom the first answer serves, too', async () => {
    const { clock, probedAt } = ten((process) => ((process * 7) % 10) / 10)
    await clock.advance(5_000)
    expect(probedAt.splice(0)).toEqual(Array(10).fill(0)) // each tells of its own beginning
    await clock.advance(600_000)
    expect(probedAt.length).toBeGreaterThan(600 / 10)
    expect(new Set(probedAt).size).toBe(probedAt.length)
  })

  it('comes back at another moment than the others after an outage of the server', async () => {
    const clock = manualClock()
    const triedAt: number[] = []
    const down = {
      dialect: 'postgres',
      driver: 'pg',
      query: async () => {
        throw new Error('down')
      },
      listen: async () => {
        triedAt.push(clock.monotonic())
        throw new Error('down')
      },
    } as unknown as Database<unknown>
    const stops = [0, 0.4, 0.8].map((random) =>
      createWakeHints(down, 'posthorn', clock, () => random).onWake(() => {}),
    )
    await clock.advance(5_000)
    expect(triedAt).toEqual([0, 0, 0, 2_500, 3_500, 4_500, 5_000])
    for (const stop of stops) stop()
  })

  it('tells of many events in few notifications', async () => {
    const clock = manualClock()
    let sent = 0
    const counting = {
      dialect: 'postgres',
      driver: 'pg',
      query: async () => {
        sent += 1
        return { rows: [], rowCount: 0 }
      },
      listen: async () => async () => {},
    } as unknown as Database<unknown>
    const hints = createWakeHints(counting, 'posthorn', clock)
    for (let event = 0; event < 1_000; event += 1) hints.notify()
    expect(sent).toBe(1)
    await clock.advance(50)
    expect(sent).toBe(2)
    await clock.advance(1_000)
    expect(sent).toBe(2)
    hints.close()
  })

  it('refuses a client that cannot listen', () => {
    const client = new pg.Client({ connectionString: database.url })
    expect(() => postgresStore({ client, listen: true })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', path: 'listen' }),
    )
  })
})
