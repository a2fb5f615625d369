/** The Postgres drivers: what all of them do, and what each does in its own way. */
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../../src/stores/sql/executor.ts'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { executorContract } from './contract.ts'

const ORDERS = 'create table orders (id text primary key, total bigint)'
const place = (index: number): string => `$${index}`

let url: string
let drop: () => Promise<void>
let pool: pg.Pool
let sql: postgres.Sql
let camel: postgres.Sql
let pglite: PGlite

beforeAll(async () => {
  ;({ url, drop } = await createPostgresDatabase())
  pool = new pg.Pool({ connectionString: url, max: 4 })
  sql = postgres(url, { max: 4, onnotice: () => {} })
  camel = postgres(url, { max: 4, transform: postgres.camel, fetch_types: false })
  pglite = new PGlite()
  await pool.query(ORDERS)
  await pglite.exec(ORDERS)
})

afterAll(async () => {
  await pool?.end()
  await sql?.end()
  await camel?.end()
  await pglite?.close()
  await drop?.()
})

async function withPg(from: pg.Pool, work: (tx: pg.PoolClient) => Promise<void>): Promise<void> {
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

executorContract({
  name: 'a pg Pool',
  database: () => postgresDatabase(pool),
  transaction: (work: (tx: pg.PoolClient) => Promise<void>) => withPg(pool, work),
  placeholder: place,
})

executorContract({
  name: 'a pg Pool with named statements',
  database: () => postgresDatabase(pool, { namedStatements: true }),
  transaction: (work: (tx: pg.PoolClient) => Promise<void>) => withPg(pool, work),
  placeholder: place,
})

executorContract({
  name: 'postgres.js',
  database: () => postgresDatabase(sql),
  transaction: async (work: (tx: postgres.TransactionSql) => Promise<void>) => {
    await sql.begin(work)
  },
  placeholder: place,
})

executorContract({
  name: 'postgres.js that renames columns and reads no types',
  database: () => postgresDatabase(camel, { namedStatements: true }),
  transaction: async (work: (tx: postgres.TransactionSql) => Promise<void>) => {
    await camel.begin(work)
  },
  placeholder: place,
})

executorContract({
  name: 'PGlite',
  database: () => postgresDatabase(pglite),
  transaction: (
    work: Parameters<PGlite['transaction']>[0] extends (tx: infer Tx) => unknown
      ? (tx: Tx) => Promise<void>
      : never,
  ) => pglite.transaction(work),
  placeholder: place,
})

describe.each([
  ['pg', () => postgresDatabase(pool)],
  ['postgres.js', () => postgresDatabase(sql)],
  ['postgres.js without types', () => postgresDatabase(camel)],
  ['PGlite', () => postgresDatabase(pglite)],
] as const)('%s', (_name, open) => {
  const database = (): Database<never> => open() as Database<never>

  it('takes arrays, with whatever is in them', async () => {
    const texts = ['a', '', 'null', 'NULL', '{}', '"', '\\', `'`, ',', ' b ', '日本', null]
    const { rows } = await database().query(
      'select t from unnest($1::text[]) with ordinality as u (t, n) order by n',
      [texts],
    )
    expect(rows.map((row) => row.t)).toEqual(texts)

    const numbers = await database().query('select n from unnest($1::bigint[]) as u (n)', [
      [1, null, 2 ** 40],
    ])
    expect(numbers.rows.map((row) => (row.n === null ? null : Number(row.n)))).toEqual([1, null, 2 ** 40])

    const none = await database().query('select n from unnest($1::bigint[]) as u (n)', [[]])
    expect(none).toMatchObject({ rows: [], rowCount: 0 })
  })

  it('runs its own transactions in READ COMMITTED', async () => {
    const level = await database().transaction(async (tx) => {
      const { rows } = await tx.query('show transaction isolation level', [])
      return rows[0]?.transaction_isolation
    })
    expect(level).toBe('read committed')
  })
})
