/** The ORMs over SQLite: Drizzle and Kysely on a handle with the API of better-sqlite3. */

import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { type BaseSQLiteDatabase, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import { BaseSQLiteDatabase as SQLiteDatabase } from 'drizzle-orm/sqlite-core/db'
import { Kysely, SqliteDialect, type Transaction } from 'kysely'
import type Libsql from 'libsql'
import { afterAll, expect, it } from 'vitest'
import { type DrizzleTransaction, drizzleDatabase } from '../../../src/stores/sql/orm/drizzle.ts'
import { kyselyDatabase } from '../../../src/stores/sql/orm/kysely.ts'
import { createSqliteFile, sqliteDrivers } from '../../support/databases/sqlite.ts'
import { executorContract } from '../executors/contract.ts'

const ORDERS = 'create table orders (id text primary key, total integer)'
const INSERT = 'insert into orders (id, total) values (?, ?)'

/** What `drizzle(handle)` of drizzle-orm/better-sqlite3 makes; that file itself imports better-sqlite3. */
function drizzle(handle: Libsql.Database) {
  const dialect = new SQLiteSyncDialect()
  const session = new BetterSQLiteSession(handle as never, dialect, undefined, {})
  const db = new SQLiteDatabase('sync', dialect, session as never, undefined)
  return Object.assign(db as BaseSQLiteDatabase<'sync', Libsql.RunResult>, { $client: handle })
}

const { path, remove } = await createSqliteFile()
const handle = sqliteDrivers['better-sqlite3'](path) as Libsql.Database
handle.exec('pragma journal_mode = wal')
handle.exec(ORDERS)
const db = drizzle(handle)
const database = drizzleDatabase(db)
const kyselyHandle = sqliteDrivers['better-sqlite3'](':memory:')
kyselyHandle.exec(ORDERS)
const kysely = new Kysely<Record<string, never>>({
  dialect: new SqliteDialect({ database: kyselyHandle as never }),
})

afterAll(async () => {
  await database.close()
  await kysely.destroy()
  handle.close()
  await remove()
})

executorContract({
  name: 'Kysely',
  database: () => kyselyDatabase(kysely),
  transaction: (work: (tx: Transaction<Record<string, never>>) => Promise<void>) =>
    kysely.transaction().execute(work),
})

const ids = async (): Promise<unknown[]> =>
  (await database.query('select id from orders order by id', [])).rows.map((row) => row.id)

it('has run a statement before a synchronous transaction of Drizzle ends: it commits with it', async () => {
  let promise: Promise<unknown> | undefined
  db.transaction((tx) => {
    promise = database.join(tx).query(INSERT, ['committed', 1])
  })
  await promise
  expect(await ids()).toEqual(['committed'])
})

it('vanishes when a synchronous transaction of Drizzle throws afterwards', async () => {
  await database.query('delete from orders', [])
  expect(() =>
    db.transaction((tx) => {
      database.join(tx).query(INSERT, ['rolled back', 1])
      throw new Error('after publish')
    }),
  ).toThrow('after publish')
  expect(await ids()).toEqual([])
})

it('vanishes with a savepoint of Drizzle that is rolled back, and no more', async () => {
  await database.query('delete from orders', [])
  db.transaction((tx) => {
    database.join(tx).query(INSERT, ['outer', 1])
    try {
      tx.transaction((nested) => {
        database.join(nested).query(INSERT, ['nested', 1])
        throw new Error('nested')
      })
    } catch {
      // The outer transaction goes on.
    }
  })
  expect(await ids()).toEqual(['outer'])
})

it('refuses the tx of a Drizzle transaction that has ended', () => {
  let kept: DrizzleTransaction<typeof db> | undefined
  db.transaction((tx) => {
    kept = tx
  })
  expect(() => database.join(kept as never)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
})
