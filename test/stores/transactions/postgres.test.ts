/** Promise 1 with every client and ORM of Postgres. */
import { PGlite, type Transaction as PGliteTransaction } from '@electric-sql/pglite'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import createKnex, { type Knex } from 'knex'
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll } from 'vitest'
import { type DrizzleTransaction, drizzleStore } from '../../../src/stores/drizzle.ts'
import { knexStore } from '../../../src/stores/knex.ts'
import { kyselyStore } from '../../../src/stores/kysely.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { transactionPromise } from './promise.ts'

const ACCOUNTS = 'create table accounts (id text)'
const INSERT = 'insert into accounts (id) values ($1)'

const { url, drop } = await createPostgresDatabase()
const pool = new pg.Pool({ connectionString: url, max: 3 })
const one = new pg.Pool({ connectionString: url, max: 1 })
const sql = postgres(url, { max: 3, onnotice: () => {} })
const oneSql = postgres(url, { max: 1, transform: postgres.camel, onnotice: () => {} })
const pglite = new PGlite()
const drizzledPglite = new PGlite()
const kysely = new Kysely<Record<string, never>>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 3 }) }),
  plugins: [new CamelCasePlugin()],
})
const knex = createKnex({
  client: 'pg',
  connection: url,
  pool: { min: 0, max: 3 },
  postProcessResponse: () => 'mapped',
})
const onPg = drizzlePg(pool)
const onPostgresJs = drizzlePostgresJs(postgres(url, { max: 3, onnotice: () => {} }))
const onPglite = drizzlePglite(drizzledPglite)
await pool.query(ACCOUNTS)
await pglite.exec(ACCOUNTS)
await drizzledPglite.exec(ACCOUNTS)

afterAll(async () => {
  await Promise.all([
    pool.end(),
    one.end(),
    sql.end(),
    oneSql.end(),
    onPostgresJs.$client.end(),
    knex.destroy(),
  ])
  await Promise.all([pglite.close(), drizzledPglite.close(), kysely.destroy()])
  await drop()
})

let schemas = 0
/** A schema of the store's own for each client. */
const schema = (): string => {
  schemas += 1
  return `posthorn_${schemas}`
}

async function count(id: string): Promise<number> {
  const { rowCount } = await pool.query('select 1 from accounts where id = $1', [id])
  await pool.query('delete from accounts where id = $1', [id])
  return rowCount ?? 0
}

async function countIn(database: PGlite, id: string): Promise<number> {
  const { affectedRows } = await database.query('delete from accounts where id = $1', [id])
  return affectedRows ?? 0
}

const withPg =
  (from: pg.Pool) =>
  async (work: (tx: pg.PoolClient) => Promise<void>): Promise<void> => {
    const client = await from.connect()
    try {
      await client.query('begin')
      await work(client)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }

const savepointInPg = async (tx: pg.PoolClient, work: (tx: pg.PoolClient) => Promise<void>) => {
  await tx.query('savepoint inner_one')
  await work(tx)
  await tx.query('rollback to savepoint inner_one')
}

for (const [name, from] of [
  ['pg', pool],
  ['pg, with a pool of one', one],
] as const) {
  const own = schema()
  transactionPromise({
    name,
    store: () => postgresStore({ client: from, schema: own, namedStatements: from === pool }),
    transaction: withPg(from),
    insert: (tx, id) => tx.query(INSERT, [id]),
    count,
    savepoint: savepointInPg,
  })
}

for (const [name, from] of [
  ['postgres.js', sql],
  ['postgres.js, with a pool of one that renames columns', oneSql],
] as const) {
  const own = schema()
  transactionPromise<postgres.TransactionSql>({
    name,
    store: () => postgresStore({ client: from, schema: own }),
    transaction: async (work) => {
      await from.begin(work)
    },
    insert: (tx, id) => tx.unsafe(INSERT, [id]),
    count,
    savepoint: async (tx, work) => {
      await tx
        .savepoint(async (nested) => {
          await work(nested)
          throw new Error('undo')
        })
        .catch(() => {})
    },
  })
}

transactionPromise<PGliteTransaction>({
  name: 'PGlite',
  store: () => postgresStore({ client: pglite }),
  transaction: (work) => pglite.transaction(work),
  insert: (tx, id) => tx.query(INSERT, [id]),
  count: (id) => countIn(pglite, id),
})

const undo = async (nested: { rollback(): never }, work: () => Promise<void>): Promise<void> => {
  await work()
  nested.rollback()
}

transactionPromise<DrizzleTransaction<typeof onPg>>({
  name: 'Drizzle over pg',
  store: () => drizzleStore(onPg, { schema: 'posthorn_drizzle' }),
  transaction: (work) => onPg.transaction(work),
  insert: (tx, id) => tx.execute(drizzleSql`insert into accounts (id) values (${id})`),
  count,
  savepoint: (tx, work) => tx.transaction((nested) => undo(nested, () => work(nested))).catch(() => {}),
})

transactionPromise<DrizzleTransaction<typeof onPostgresJs>>({
  name: 'Drizzle over postgres.js',
  store: () => drizzleStore(onPostgresJs, { schema: 'posthorn_drizzle_js' }),
  transaction: (work) => onPostgresJs.transaction(work),
  insert: (tx, id) => tx.execute(drizzleSql`insert into accounts (id) values (${id})`),
  count,
  savepoint: (tx, work) => tx.transaction((nested) => undo(nested, () => work(nested))).catch(() => {}),
})

transactionPromise<DrizzleTransaction<typeof onPglite>>({
  name: 'Drizzle over PGlite',
  store: () => drizzleStore(onPglite),
  transaction: (work) => onPglite.transaction(work),
  insert: (tx, id) => tx.execute(drizzleSql`insert into accounts (id) values (${id})`),
  count: (id) => countIn(drizzledPglite, id),
  savepoint: (tx, work) => tx.transaction((nested) => undo(nested, () => work(nested))).catch(() => {}),
})

transactionPromise<Transaction<Record<string, never>>>({
  name: 'Kysely',
  store: () => kyselyStore(kysely, { schema: 'posthorn_kysely' }),
  transaction: (work) => kysely.transaction().execute(work),
  insert: (tx, id) => tx.executeQuery(CompiledQuery.raw(INSERT, [id])),
  count,
  savepoint: async (tx, work) => {
    await tx.executeQuery(CompiledQuery.raw('savepoint inner_one'))
    await work(tx)
    await tx.executeQuery(CompiledQuery.raw('rollback to savepoint inner_one'))
  },
})

transactionPromise<Knex.Transaction>({
  name: 'Knex',
  store: () => knexStore(knex, { schema: 'posthorn_knex' }),
  transaction: (work) => knex.transaction(work),
  insert: (tx, id) => tx.raw('insert into accounts (id) values (?)', [id]),
  count,
  savepoint: async (tx, work) => {
    await tx
      .transaction(async (nested) => {
        await work(nested)
        throw new Error('undo')
      })
      .catch(() => {})
  },
})
