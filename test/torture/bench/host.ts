/** The application beside Posthorn: a pool of its own size, transactions in it, and a store over the same pool. */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import type { Bench, Kind } from '../scenario.ts'

/** A transaction of the application. */
export interface HostTransaction {
  readonly tx: never
  run(sql: string): Promise<unknown>
}

/** The application. */
export interface Host {
  readonly store: SqlStore<never>
  /** Commits what `work` returns true for, and rolls the rest back. */
  transaction(work: (transaction: HostTransaction) => Promise<boolean>): Promise<void>
  /** Takes one connection out of the pool; returns the way to give it back. */
  hold(): Promise<() => void>
  run(sql: string): Promise<unknown>
}

/** Ends with the bench. `each` runs on every connection when it is opened. */
export function openHost(
  bench: Bench,
  kind: Exclude<Kind, 'sqlite'>,
  url: string,
  options: { readonly max: number; readonly queryTimeoutMs?: number; readonly each?: string },
): Host {
  return kind === 'postgres' ? onPostgres(bench, url, options) : onMysql(bench, url, options)
}

type Options = Parameters<typeof openHost>[3]

function onPostgres(bench: Bench, url: string, { max, each, queryTimeoutMs }: Options): Host {
  const pool = new pg.Pool({ connectionString: url, max })
  if (each !== undefined) pool.on('connect', (client) => void client.query(each))
  bench.after(() => pool.end())
  const timeout = queryTimeoutMs === undefined ? {} : { queryTimeoutMs }
  return {
    store: postgresStore({ client: pool, ...timeout }) as SqlStore<never>,
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const commits = await work({ tx: client as never, run: (sql) => client.query(sql) })
        await client.query(commits ? 'commit' : 'rollback')
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
    async hold() {
      const client = await pool.connect()
      return () => client.release()
    },
    run: (sql) => pool.query(sql),
  }
}

function onMysql(bench: Bench, url: string, { max, each, queryTimeoutMs }: Options): Host {
  const pool = mysql.createPool({ uri: url, connectionLimit: max })
  if (each !== undefined) pool.pool.on('connection', (connection) => void connection.query(each))
  bench.after(() => pool.end())
  const timeout = queryTimeoutMs === undefined ? {} : { queryTimeoutMs }
  return {
    store: mysqlStore({ client: pool, ...timeout }) as SqlStore<never>,
    async transaction(work) {
      const connection = await pool.getConnection()
      try {
        await connection.beginTransaction()
        const commits = await work({ tx: connection as never, run: (sql) => connection.query(sql) })
        await (commits ? connection.commit() : connection.rollback())
      } catch (error) {
        await connection.rollback()
        throw error
      } finally {
        connection.release()
      }
    },
    async hold() {
      const connection = await pool.getConnection()
      return () => connection.release()
    },
    run: (sql) => pool.query(sql),
  }
}
