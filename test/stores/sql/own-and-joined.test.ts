/** What the SQL stores do around their statements: migrate, refuse to open, try again on their own, never in a caller's transaction. */
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import { sqlite } from '../../../src/stores/sql/dialects/sqlite.ts'
import type { Database, Executor, Parameter, StatementResult } from '../../../src/stores/sql/executor.ts'
import { sqliteDatabase } from '../../../src/stores/sql/executors/sqlite.ts'
import { isTransient } from '../../../src/stores/sql/retry.ts'
import type { Session } from '../../../src/stores/sql/session.ts'
import { createSqlStore } from '../../../src/stores/sql/sql-store.ts'
import { telling } from '../../../src/stores/sql/telling.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { event } from '../rows.ts'

const coded = (code: string | number) => Object.assign(new Error('it met another transaction'), { code })

/** A store whose statements fail as often as told, before they reach the database. */
async function failing(failure: () => Error | null) {
  const client = new DatabaseSync(':memory:')
  const real = sqliteDatabase(client as never)
  const guard = (executor: Executor): Executor => ({
    query: (sql, parameters) => {
      const error = failure()
      return error === null ? executor.query(sql, parameters) : Promise.reject(error)
    },
    ...(executor.querySync !== undefined && {
      querySync: (sql: string, parameters: readonly Parameter[]) => {
        const error = failure()
        if (error !== null) throw error
        return executor.querySync?.(sql, parameters) as StatementResult
      },
    }),
  })
  const database = {
    ...real,
    ...guard(real),
    transaction: <T>(work: (tx: Executor) => Promise<T>) => real.transaction((tx) => work(guard(tx))),
    join: (tx: never) => guard(real.join(tx)),
  } as unknown as Database<never>
  const store = createSqlStore({ database, dialect: sqlite, namespace: 'posthorn_', clock: undefined })
  return { client, store }
}

describe('migrations', () => {
  it('refuses to open before them and names the fix, runs them once, and opens afterwards', async () => {
    const client = new DatabaseSync(':memory:')
    const webhooks = createWebhooks({ store: sqliteStore({ client }) as never })
    await expect(sqliteStore({ client }).open()).rejects.toThrow(
      /await webhooks\.migrate\(\).*npx posthorn migrate/,
    )
    expect(await webhooks.migrate()).toMatchObject({ from: 0, applied: ['create tables'] })
    expect(await webhooks.migrate()).toMatchObject({ from: 1, to: 1, applied: [] })
    await sqliteStore({ client }).open()
    client.close()
  })

  it('print as statements that make the same tables', async () => {
    const client = new DatabaseSync(':memory:')
    client.exec(sqliteStore({ client }).migrationSql())
    const store = sqliteStore({ client })
    await store.open()
    const { appended } = await store.append([event()])
    expect(appended[0]?.duplicate).toBe(false)
    client.close()
  })
})

describe('errors of two transactions that met', () => {
  it.each([
    '40001',
    '40P01',
    'ER_LOCK_DEADLOCK',
    'ER_LOCK_WAIT_TIMEOUT',
    'SQLITE_BUSY',
    'SQLITE_BUSY_SNAPSHOT',
  ])('knows %s', (code) => {
    expect(isTransient(coded(code))).toBe(true)
    expect(isTransient(new Error('wrapped', { cause: coded(code) }))).toBe(true)
  })

  it('knows the numbers of MySQL and SQLite, and nothing else', () => {
    for (const errno of [1213, 1205, 5])
      expect(isTransient(Object.assign(new Error('x'), { errno }))).toBe(true)
    expect(isTransient(coded('42P01'))).toBe(false)
    expect(isTransient(new Error('x'))).toBe(false)
  })

  it('are tried again on connections of our own', async () => {
    let left = 0
    const { client, store } = await failing(() => (left-- > 0 ? coded('40P01') : null))
    await store.migrate()
    left = 2
    const { appended } = await store.append([event()])
    expect(appended).toHaveLength(1)
    left = 2
    expect((await store.backlog({ tenant: 't' })).due).toBe(1)
    client.close()
  })

  it.each(['40P01', 'ER_LOCK_WAIT_TIMEOUT', 'SQLITE_BUSY'])(
    'are told as what they are when it gave way once too often: %s',
    async (code) => {
      const error = coded(code)
      const failed = () => Promise.reject(error)
      const session = { dialect: { name: 'postgres' } } as Session
      const { claim, append } = telling({ claim: failed, append: failed }, session, 'posthorn')
      await expect(claim()).rejects.toMatchObject({
        code: 'STORE_FAILED',
        cause: error,
        outcomeUnknown: false,
      })
      await expect(claim()).rejects.toThrow(/other transactions.*Call again/)
      await expect((append as Store<string>['append'])([], { tx: 'open' })).rejects.toBe(error)
    },
  )

  it('pass through untouched in a transaction of the caller, and leave no event', async () => {
    const error = coded('40P01')
    let statements = 0
    let broken = false
    const { client, store } = await failing(() => {
      if (broken) statements += 1
      return broken && statements > 1 ? error : null
    })
    await store.migrate()
    client.exec('begin immediate')
    broken = true
    await expect(store.append([event({ id: 'lost' })], { tx: client as never })).rejects.toBe(error)
    expect(statements).toBe(3)
    broken = false
    client.exec('rollback')
    expect(await store.getEvent('t', 'lost')).toBeNull()
    client.close()
  })

  it('has run every statement of an append when it returns, on a synchronous driver', async () => {
    const { client, store } = await failing(() => null)
    await store.migrate()
    client.exec('begin immediate')
    const appended = store.append([event({ id: 'at-once' })], { tx: client as never })
    client.exec('commit')
    await appended
    const [row] = client.prepare('select count(*) as queued from posthorn_queue').all()
    expect(row).toMatchObject({ queued: 1 })
    client.close()
  })
})
