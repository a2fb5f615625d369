/** Prisma over each of its databases does what every driver does, alone and with a client beside it. */
import mysqlDriver from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe } from 'vitest'
import { type PrismaTransaction, prismaDatabase } from '../../../../src/stores/sql/orm/prisma.ts'
import { createMysqlDatabase } from '../../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../../support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from '../../../support/databases/sqlite.ts'
import { prismaOnMysql, prismaOnPostgres, prismaOnSqlite } from '../../../support/prisma.ts'
import { executorContract } from '../../executors/contract.ts'

const postgres = await createPostgresDatabase()
const mysql = await createMysqlDatabase()
const sqlite = await createSqliteFile()
const onPostgres = prismaOnPostgres(postgres.url)
const onMysql = prismaOnMysql(mysql?.url ?? 'mysql://skipped')
const onSqlite = prismaOnSqlite(sqlite.path)
const pool = new pg.Pool({ connectionString: postgres.url, max: 4 })
const mysqlPool = mysqlDriver.createPool({ uri: mysql?.url ?? 'mysql://skipped', connectionLimit: 4 })
// Of the library that Prisma's adapter uses: two copies of SQLite in one process do not see each other's locks.
const handle = sqliteDrivers['better-sqlite3'](sqlite.path)

await pool.query('create table orders (id text primary key, total bigint)')
if (mysql !== null)
  await mysqlPool.query('create table orders (id varchar(255) collate utf8mb4_bin primary key, total bigint)')
handle.exec('pragma journal_mode = wal')
handle.exec('create table orders (id text primary key, total integer)')

afterAll(async () => {
  await Promise.all([onPostgres.$disconnect(), onMysql.$disconnect(), onSqlite.$disconnect()])
  await Promise.all([pool.end(), mysqlPool.end()])
  handle.close()
  await Promise.all([postgres.drop(), mysql?.drop(), sqlite.remove()])
})

type Work = (tx: PrismaTransaction) => Promise<void>

for (const [name, settings] of [
  ['on Postgres', {}],
  ['on Postgres, with a pool for the work of the store', { client: pool }],
] as const)
  executorContract({
    name,
    database: () => prismaDatabase(onPostgres, settings),
    transaction: (work: Work) => onPostgres.$transaction(work),
    placeholder: (index) => `$${index}`,
  })

describe.skipIf(mysql === null)('with a server', () => {
  for (const [name, settings] of [
    ['on MariaDB', {}],
    ['on MariaDB, with a pool for the work of the store', { client: mysqlPool }],
  ] as const)
    executorContract({
      name,
      database: () => prismaDatabase(onMysql, settings),
      transaction: (work: Work) => onMysql.$transaction(work),
    })
})

for (const [name, settings] of [
  ['on SQLite', {}],
  ['on SQLite, with a handle for the work of the store', { client: handle }],
] as const)
  executorContract({
    name,
    database: () => prismaDatabase(onSqlite, settings),
    transaction: (work: Work) => onSqlite.$transaction(work),
  })
