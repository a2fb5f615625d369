/** The ORMs over MySQL (run on MariaDB): each does what every driver does. */
import { drizzle } from 'drizzle-orm/mysql2'
import createKnex, { type Knex } from 'knex'
import { Kysely, MysqlDialect, type Transaction } from 'kysely'
import callback from 'mysql2'
import mysql from 'mysql2/promise'
import { afterAll, describe } from 'vitest'
import { type DrizzleTransaction, drizzleDatabase } from '../../../src/stores/sql/orm/drizzle.ts'
import { knexDatabase } from '../../../src/stores/sql/orm/knex.ts'
import { kyselyDatabase } from '../../../src/stores/sql/orm/kysely.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { executorContract } from '../executors/contract.ts'

const ORDERS =
  'create table orders (id varchar(400) character set utf8mb4 collate utf8mb4_bin primary key, total bigint)'

const given = await createMysqlDatabase()

describe.skipIf(given === null)('on a server', async () => {
  const url = given?.url ?? 'mysql://skipped'
  const pool = mysql.createPool({ uri: url, connectionLimit: 4 })
  const withCallbacks = callback.createPool({ uri: url, connectionLimit: 4 })
  const onPool = drizzle(pool)
  const onCallbacks = drizzle(withCallbacks)
  const kysely = new Kysely<Record<string, never>>({
    dialect: new MysqlDialect({ pool: callback.createPool({ uri: url, connectionLimit: 4 }) }),
  })
  const knex = createKnex({
    client: 'mysql2',
    connection: url,
    pool: { min: 0, max: 4 },
    postProcessResponse: () => 'mapped',
  })
  if (given !== null) await pool.query(ORDERS)
  afterAll(async () => {
    await Promise.all([pool.end(), withCallbacks.promise().end(), kysely.destroy(), knex.destroy()])
    await given?.drop()
  })

  executorContract({
    name: 'Drizzle over mysql2',
    database: () => drizzleDatabase(onPool),
    transaction: (work: (tx: DrizzleTransaction<typeof onPool>) => Promise<void>) => onPool.transaction(work),
  })
  executorContract({
    name: 'Drizzle over mysql2 with callbacks',
    database: () => drizzleDatabase(onCallbacks),
    transaction: (work: (tx: DrizzleTransaction<typeof onCallbacks>) => Promise<void>) =>
      onCallbacks.transaction(work),
  })
  executorContract({
    name: 'Kysely',
    database: () => kyselyDatabase(kysely),
    transaction: (work: (tx: Transaction<Record<string, never>>) => Promise<void>) =>
      kysely.transaction().execute(work),
  })
  executorContract({
    name: 'Knex',
    database: () => knexDatabase(knex),
    transaction: (work: (tx: Knex.Transaction) => Promise<void>) => knex.transaction(work),
  })
})
