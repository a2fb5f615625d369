/** Which clients are taken, and which `tx` compiles with each. */
import type { PGlite, Transaction as PGliteTransaction } from '@electric-sql/pglite'
import type { DatabaseSync } from '@photostructure/sqlite'
import type Libsql from 'libsql'
import type * as mariadb from 'mariadb'
import type * as mysqlCallback from 'mysql2'
import type * as mysql from 'mysql2/promise'
import type pg from 'pg'
import type postgres from 'postgres'
import { describe, it } from 'vitest'
import { mysqlDatabase } from '../../../src/stores/sql/executors/mysql.ts'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { sqliteDatabase } from '../../../src/stores/sql/executors/sqlite.ts'

declare const pgPool: pg.Pool
declare const pgClient: pg.Client
declare const pgPoolClient: pg.PoolClient
declare const sql: postgres.Sql
declare const sqlTx: postgres.TransactionSql
declare const sqlReserved: postgres.ReservedSql
declare const pglite: PGlite
declare const pgliteTx: PGliteTransaction
declare const mysqlPool: mysql.Pool
declare const mysqlConnection: mysql.PoolConnection
declare const callbackPool: mysqlCallback.Pool
declare const callbackConnection: mysqlCallback.PoolConnection
declare const mariadbPool: mariadb.Pool
declare const mariadbConnection: mariadb.PoolConnection
declare const nodeSqlite: InstanceType<typeof DatabaseSync>
declare const libsql: Libsql.Database

describe('the tx of a client', () => {
  it('is a connected client with pg', () => {
    const { join } = postgresDatabase(pgPool)
    join(pgPoolClient)
    join(pgClient)
    // @ts-expect-error a pool is no transaction
    join(pgPool)
    // @ts-expect-error another driver's
    join(sqlTx)
    // @ts-expect-error another driver's
    join(pgliteTx)
    // @ts-expect-error another database's
    join(mysqlConnection)
    // @ts-expect-error another database's
    join(nodeSqlite)
    postgresDatabase(pgClient).join(pgClient)
  })

  it('is the sql of a transaction with postgres.js', () => {
    const { join } = postgresDatabase(sql)
    join(sqlTx)
    join(sqlReserved)
    // @ts-expect-error the pool is no transaction
    join(sql)
    // @ts-expect-error another driver's
    join(pgPoolClient)
  })

  it('is a transaction with PGlite', () => {
    const { join } = postgresDatabase(pglite)
    join(pgliteTx)
    // @ts-expect-error the database is no transaction
    join(pglite)
    // @ts-expect-error another driver's
    join(pgPoolClient)
  })

  it('is a connection with mysql2, of either flavour', () => {
    for (const { join } of [mysqlDatabase(mysqlPool), mysqlDatabase(callbackPool)]) {
      join(mysqlConnection)
      join(callbackConnection)
      // @ts-expect-error a pool is no transaction
      join(mysqlPool)
      // @ts-expect-error a pool is no transaction
      join(callbackPool)
      // @ts-expect-error another database's
      join(pgPoolClient)
    }
  })

  it('is a connection with mariadb', () => {
    const { join } = mysqlDatabase(mariadbPool)
    join(mariadbConnection)
    // @ts-expect-error a pool is no transaction
    join(mariadbPool)
    // @ts-expect-error another driver's
    join(mysqlConnection)
  })

  it('is the handle itself with SQLite', () => {
    sqliteDatabase(nodeSqlite).join(nodeSqlite)
    sqliteDatabase(libsql).join(libsql)
    // @ts-expect-error another database's
    sqliteDatabase(libsql).join(pgPoolClient)
  })
})

describe('a client', () => {
  it('of another database does not compile', () => {
    // @ts-expect-error MySQL
    postgresDatabase(mysqlPool)
    // @ts-expect-error Postgres
    mysqlDatabase(pgPool)
    // @ts-expect-error Postgres
    sqliteDatabase(pgPool)
    // @ts-expect-error SQLite
    postgresDatabase(nodeSqlite)
  })
})
