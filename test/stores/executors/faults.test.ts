/** What a driver's adapter does when the database does not answer, goes away, or lends one connection only. */
import { once } from 'node:events'
import mariadb from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import type { Database } from '../../../src/stores/sql/executor.ts'
import { mysqlDatabase } from '../../../src/stores/sql/executors/mysql.ts'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import type { ExecutorSettings } from '../../../src/stores/sql/executors/settings.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { mysqlServer } from '../../support/databases/mysql.ts'
import { postgresServer } from '../../support/databases/postgres.ts'

const { url } = await postgresServer()
const maria = await mysqlServer()

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** A second way to the server, to look and to kill. */
async function observer(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  endings.push(() => client.end())
  return client
}

const name = (): string => `posthorn ${crypto.randomUUID()}`

function pgPool(max: number, application = name()) {
  const pool = new pg.Pool({ connectionString: url, max, application_name: application })
  endings.push(() => pool.end())
  return { pool, application }
}

function postgresJs(max: number, application = name()) {
  const sql = postgres(url, { max, connection: { application_name: application } })
  endings.push(() => sql.end({ timeout: 0 }))
  return { sql, application }
}

/** Each driver with one connection; `busy` is a statement that does not end by itself. */
const drivers: [string, string, (settings: ExecutorSettings) => Database<never>][] = [
  ['pg', 'select pg_sleep(600)', (s) => postgresDatabase(pgPool(1).pool, s)],
  ['postgres.js', 'select pg_sleep(600)', (s) => postgresDatabase(postgresJs(1).sql, s)],
]
if (maria !== null) {
  drivers.push(
    [
      'mysql2',
      'select sleep(600)',
      (s) => {
        const pool = mysql.createPool({ uri: maria.url, connectionLimit: 1 })
        endings.push(() => pool.end())
        return mysqlDatabase(pool, s)
      },
    ],
    [
      'mariadb',
      'select sleep(600)',
      (s) => {
        const { hostname, port } = new URL(maria.url)
        const pool = mariadb.createPool({
          host: hostname,
          port: Number(port),
          user: 'root',
          connectionLimit: 1,
        })
        endings.push(() => pool.end())
        return mysqlDatabase(pool, s)
      },
    ],
  )
}

describe.each(drivers)('%s, with one connection', (_name, busy, open) => {
  it('gives up a statement at its deadline, and goes on with a connection that answers', async () => {
    const clock = manualClock()
    const database = open({ clock, queryTimeoutMs: 10_000 })
    await database.query('select 1 as one', [])
    const stuck = database.query(busy, [])
    stuck.catch(() => {})
    await clock.advance(9_999)
    await clock.advance(1)
    await expect(stuck).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('longer than 10000 ms'),
    })
    expect((await database.query('select 1 as one', [])).rows).toHaveLength(1)
  })

  it('gives up a transaction of its own at the deadline of a statement', async () => {
    const clock = manualClock()
    const database = open({ clock })
    let began: () => void = () => {}
    const running = new Promise<void>((resolve) => {
      began = resolve
    })
    const stuck = database.transaction(async (tx) => {
      await tx.query('select 1 as one', [])
      began()
      await tx.query(busy, [])
    })
    stuck.catch(() => {})
    await running
    await clock.advance(10_000)
    // The rollback of a connection that does not answer has a deadline, too.
    await clock.advance(10_000)
    await expect(stuck).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(await database.transaction(async (tx) => (await tx.query('select 1 as one', [])).rowCount)).toBe(1)
  })

  it('gives up waiting for the one connection, and does not lose it', async () => {
    const clock = manualClock()
    const database = open({ clock, queryTimeoutMs: 2_000 })
    let release: () => void = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let began: () => void = () => {}
    const running = new Promise<void>((resolve) => {
      began = resolve
    })
    const holder = database.transaction(async () => {
      began()
      await released
    })
    await running
    const waiting = [database.query('select 1 as one', []), database.transaction(async () => 'never')]
    for (const one of waiting) one.catch(() => {})
    await clock.advance(2_000)
    await clock.advance(2_000)
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'STORE_FAILED' })
    release()
    await holder
    expect((await database.query('select 1 as one', [])).rows).toHaveLength(1)
  })
})

describe('a Postgres that ends connections', () => {
  it.each([
    [
      'pg',
      () => {
        const { pool, application } = pgPool(2)
        return { database: postgresDatabase(pool) as Database<never>, application }
      },
    ],
    [
      'postgres.js',
      () => {
        const { sql, application } = postgresJs(2)
        return { database: postgresDatabase(sql) as Database<never>, application }
      },
    ],
  ])('does not take the process of a bare %s pool down, idle or in a transaction', async (_name, open) => {
    const { database, application } = open()
    const other = await observer()
    const kill = async (): Promise<void> => {
      const { rowCount } = await other.query(
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1',
        [application],
      )
      expect(rowCount).toBeGreaterThan(0)
    }
    await database.query('select 1 as one', [])
    await kill()
    await expect
      .poll(() =>
        database.query('select 1 as one', []).then(
          (r) => r.rowCount,
          () => 0,
        ),
      )
      .toBe(1)

    const cut = database.transaction(async (tx) => {
      await tx.query('select 1 as one', [])
      await kill()
      await tx.query('select 1 as one', [])
    })
    await expect(cut).rejects.toThrow()
    await expect
      .poll(() =>
        database.query('select 1 as one', []).then(
          (r) => r.rowCount,
          () => 0,
        ),
      )
      .toBe(1)
  })
})

describe("a caller's transaction on a pool of one", () => {
  it('never asks for a second connection (pg)', async () => {
    const { pool } = pgPool(1)
    const database = postgresDatabase(pool)
    const client = await pool.connect()
    await client.query('begin')
    expect((await database.join(client).query('select 1 as one', [])).rowCount).toBe(1)
    const own = database.query('select 2 as two', [])
    expect(pool.waitingCount).toBe(1)
    await client.query('commit')
    client.release()
    await own
  })

  it('never asks for a second connection (postgres.js)', async () => {
    const { sql } = postgresJs(1)
    const database = postgresDatabase(sql)
    await sql.begin(async (tx) => {
      expect((await database.join(tx).query('select 1 as one', [])).rowCount).toBe(1)
    })
  })
})

describe('pg', () => {
  it('lets a bare Client publish only', async () => {
    const client = await observer()
    const database = postgresDatabase(client)
    expect(() => database.checkWork?.()).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    await client.query('begin')
    expect((await database.join(client).query('select 1 as one', [])).rowCount).toBe(1)
    await client.query('rollback')
    await expect(database.transaction(async () => {})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('names its statements only when told to, alike for every store over the pool', async () => {
    const { pool } = pgPool(1)
    const text = 'select $1::int as named_by_posthorn'
    const prepared = async (): Promise<number> => {
      const { rows } = await pool.query('select name from pg_prepared_statements where statement = $1', [
        text,
      ])
      return rows.length
    }
    await postgresDatabase(pool).query(text, [1])
    expect(await prepared()).toBe(0)
    await postgresDatabase(pool, { namedStatements: true }).query(text, [1])
    await postgresDatabase(pool, { namedStatements: true }).query(text, [2])
    expect(await prepared()).toBe(1)
  })

  it('refuses the pool as tx, and anything else as a client', () => {
    const { pool } = pgPool(1)
    const database = postgresDatabase(pool)
    expect(() => database.join(pool as never)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    for (const client of [null, undefined, 'postgres://', {}, () => {}, { query() {} }]) {
      expect(() => postgresDatabase(client as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', path: 'client' }),
      )
    }
  })
})

describe('listening', () => {
  it.each([
    ['pg', () => postgresDatabase(pgPool(2).pool) as Database<never>],
    ['postgres.js', () => postgresDatabase(postgresJs(2).sql) as Database<never>],
  ])('hears another session, until told to stop (%s)', async (_name, open) => {
    const database = open()
    const other = await observer()
    const bell = new EventTarget()
    const channel = 'Posthorn "wake"'
    const stop = await database.listen?.(channel, () => bell.dispatchEvent(new Event('ring')))
    const rung = once(bell, 'ring')
    await other.query('select pg_notify($1, $2)', [channel, ''])
    await rung
    let late = 0
    bell.addEventListener('ring', () => {
      late += 1
    })
    await stop?.()
    await other.query('select pg_notify($1, $2)', [channel, ''])
    await database.query('select 1 as one', [])
    expect(late).toBe(0)
  })

  it('refuses to take the only connection of a pool', () => {
    const database = postgresDatabase(pgPool(1).pool)
    expect(() => database.checkListen?.()).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
