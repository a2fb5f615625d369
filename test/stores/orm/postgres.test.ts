/** The ORMs over Postgres: each does what every driver does, and none of its own habits gets in the way. */
import { PGlite } from '@electric-sql/pglite'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { withReplicas } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import createKnex, { type Knex } from 'knex'
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type DrizzleTransaction, drizzleDatabase } from '../../../src/stores/sql/orm/drizzle.ts'
import { knexDatabase } from '../../../src/stores/sql/orm/knex.ts'
import { kyselyDatabase } from '../../../src/stores/sql/orm/kysely.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { executorContract } from '../executors/contract.ts'

const ORDERS = 'create table orders (id text primary key, total bigint)'
const INSERT = 'insert into orders (id, total) values ($1, $2)'
const placeholder = (index: number): string => `$${index}`

const { url, drop } = await createPostgresDatabase()
const pool = new pg.Pool({ connectionString: url, max: 4 })
const sql = postgres(url, { max: 4 })
const pglite = new PGlite()
const onPg = drizzlePg(pool)
const onPostgresJs = drizzlePostgresJs(sql)
const onPglite = drizzlePglite(pglite)
const kysely = new Kysely<Record<string, never>>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 4 }) }),
  plugins: [new CamelCasePlugin()],
})
const knex = createKnex({
  client: 'pg',
  connection: url,
  pool: { min: 0, max: 4 },
  postProcessResponse: () => 'mapped',
  wrapIdentifier: (name) => `wrapped_${name}`,
})
await pool.query(ORDERS)
await pglite.exec(ORDERS)

afterAll(async () => {
  await Promise.all([pool.end(), sql.end(), pglite.close(), kysely.destroy(), knex.destroy()])
  await drop()
})

executorContract({
  name: 'Drizzle over pg',
  database: () => drizzleDatabase(onPg),
  transaction: (work: (tx: DrizzleTransaction<typeof onPg>) => Promise<void>) => onPg.transaction(work),
  placeholder,
})
executorContract({
  name: 'Drizzle over postgres.js',
  database: () => drizzleDatabase(onPostgresJs),
  transaction: (work: (tx: DrizzleTransaction<typeof onPostgresJs>) => Promise<void>) =>
    onPostgresJs.transaction(work),
  placeholder,
})
executorContract({
  name: 'Drizzle over PGlite',
  database: () => drizzleDatabase(onPglite),
  transaction: (work: (tx: DrizzleTransaction<typeof onPglite>) => Promise<void>) =>
    onPglite.transaction(work),
  placeholder,
})
executorContract({
  name: 'Kysely with a plugin that renames columns',
  database: () => kyselyDatabase(kysely),
  transaction: (work: (tx: Transaction<Record<string, never>>) => Promise<void>) =>
    kysely.transaction().execute(work),
  placeholder,
})
executorContract({
  name: 'Knex with names and responses mapped',
  database: () => knexDatabase(knex),
  transaction: (work: (tx: Knex.Transaction) => Promise<void>) => knex.transaction(work),
  placeholder,
})

async function ids(): Promise<string[]> {
  const { rows } = await pool.query('select id from orders order by id')
  return rows.map((row) => row.id)
}

beforeEach(async () => {
  await pool.query('delete from orders')
})

describe('a savepoint that is rolled back', () => {
  it('takes with it what was written in it, and no more (Drizzle)', async () => {
    for (const [db, join] of [
      [onPg, drizzleDatabase(onPg).join],
      [onPostgresJs, drizzleDatabase(onPostgresJs).join],
    ] as const) {
      await pool.query('delete from orders')
      await (db as typeof onPg).transaction(async (tx) => {
        await join(tx as never).query(INSERT, ['outer', 1])
        await tx
          .transaction(async (nested) => {
            await join(nested as never).query(INSERT, ['nested', 1])
            nested.rollback()
          })
          .catch(() => {})
        await tx.transaction(async (nested) => {
          await join(nested as never).query(INSERT, ['released', 1])
        })
      })
      expect(await ids()).toEqual(['outer', 'released'])
    }
  })

  it('takes with it what was written in it, and no more (Kysely)', async () => {
    const { join } = kyselyDatabase(kysely)
    const trx = await kysely.startTransaction().execute()
    await join(trx).query(INSERT, ['outer', 1])
    const inner = await trx.savepoint('inner').execute()
    await join(inner).query(INSERT, ['nested', 1])
    await inner.rollbackToSavepoint('inner').execute()
    await trx.commit().execute()
    expect(await ids()).toEqual(['outer'])
  })

  it('takes with it what was written in it, and no more (Knex)', async () => {
    const { join } = knexDatabase(knex)
    await knex.transaction(async (trx) => {
      await join(trx).query(INSERT, ['outer', 1])
      await trx
        .transaction(async (nested) => {
          await join(nested).query(INSERT, ['nested', 1])
          throw new Error('rolled back')
        })
        .catch(() => {})
    })
    expect(await ids()).toEqual(['outer'])
  })
})

it('passes the error of the driver itself, not wrapped by Drizzle', async () => {
  await pool.query(`insert into orders values ('a', 1)`)
  const error = await onPg
    .transaction((tx) => drizzleDatabase(onPg).join(tx).query(INSERT, ['a', 1]))
    .catch((cause: unknown) => cause)
  expect(error).toBeInstanceOf(pg.DatabaseError)
  expect(error).toMatchObject({ code: '23505' })
})

it('writes and reads on the primary, never on a replica (Drizzle)', async () => {
  const replica = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere' })
  const db = withReplicas(onPg, [drizzlePg(replica)])
  const database = drizzleDatabase(db)
  await db.transaction(async (tx) => {
    await database.join(tx).query(INSERT, ['a', 1])
    expect((await database.join(tx).query('select id from orders', [])).rows).toEqual([{ id: 'a' }])
  })
  expect((await database.query('select id from orders', [])).rows).toEqual([{ id: 'a' }])
  expect(replica.totalCount).toBe(0)
})

it.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const)(
  'works in %s',
  async (isolationLevel) => {
    const level = async (tx: {
      query(sql: string, parameters: readonly never[]): Promise<{ rows: readonly object[] }>
    }) => (await tx.query('show transaction isolation level', [])).rows
    const expected = [{ transaction_isolation: isolationLevel }]
    await onPg.transaction(
      async (tx) => {
        await drizzleDatabase(onPg).join(tx).query(INSERT, ['drizzle', 1])
        expect(await level(drizzleDatabase(onPg).join(tx))).toEqual(expected)
      },
      { isolationLevel },
    )
    await kysely
      .transaction()
      .setIsolationLevel(isolationLevel)
      .execute(async (tx) => {
        await kyselyDatabase(kysely).join(tx).query(INSERT, ['kysely', 1])
        expect(await level(kyselyDatabase(kysely).join(tx))).toEqual(expected)
      })
    await knex.transaction(
      async (tx) => {
        await knexDatabase(knex).join(tx).query(INSERT, ['knex', 1])
        expect(await level(knexDatabase(knex).join(tx))).toEqual(expected)
      },
      { isolationLevel },
    )
    expect(await ids()).toEqual(['drizzle', 'knex', 'kysely'])
  },
)

it('never asks for a second connection', async () => {
  const one = new pg.Pool({ connectionString: url, max: 1 })
  const db = drizzlePg(one)
  await db.transaction((tx) => drizzleDatabase(db).join(tx).query(INSERT, ['drizzle', 1]))
  const single = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: one }) })
  await single.transaction().execute((tx) => kyselyDatabase(single).join(tx).query(INSERT, ['kysely', 1]))
  const narrow = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  await narrow.transaction((tx) => knexDatabase(narrow).join(tx).query(INSERT, ['knex', 1]))
  await narrow.destroy()
  await single.destroy()
  expect(await ids()).toEqual(['drizzle', 'knex', 'kysely'])
})

it('writes beside the statements of the ORM in one transaction', async () => {
  await onPg.transaction(async (tx) => {
    await tx.execute(drizzleSql`insert into orders values ('theirs', 1)`)
    await drizzleDatabase(onPg).join(tx).query(INSERT, ['ours', 1])
  })
  expect(await ids()).toEqual(['ours', 'theirs'])
})

it('refuses a transaction of Knex that has ended', async () => {
  const trx = await knex.transaction()
  await trx.commit()
  expect(() => knexDatabase(knex).join(trx)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
})

it('refuses the ORM itself as tx, and another ORM as client', () => {
  for (const join of [
    () => drizzleDatabase(onPg).join(onPg as never),
    () => kyselyDatabase(kysely).join(kysely as never),
    () => knexDatabase(knex).join(knex as never),
    () => drizzleDatabase(onPg).join(kysely as never),
  ]) {
    expect(join).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }))
  }
  for (const open of [
    () => drizzleDatabase(pool as never),
    () => kyselyDatabase(knex as never),
    () => knexDatabase(kysely as never),
    () => drizzleDatabase(null as never),
  ]) {
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', path: 'client' }))
  }
})
