/** `mysql2`, with promises (`mysql2/promise`) and with callbacks: pools, and connections that only publish. */
import type { Database, Executor, Joined, Parameter, StatementResult } from '../executor.ts'
import { checkOpen } from './mysql-status.ts'
import { onlyPublishes } from './only-publishes.ts'
import { BEGIN_OWN, ownSide } from './own-connections.ts'
import { notATransaction } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** A statement as `mysql2` takes it; what the caller may have set for all rows of the pool is set back. */
export interface Mysql2Statement {
  sql: string
  rowsAsArray: false
  nestTables: false
  typeCast: true
}

/** The subset of a connection of `mysql2/promise` that is used. */
export interface Mysql2Connection {
  query(statement: Mysql2Statement, values: unknown[]): Promise<[unknown, unknown]>
  beginTransaction(): Promise<void>
  destroy(): void
  readonly getConnection?: never
}

/** The subset of a connection borrowed from a pool of `mysql2/promise` that is used. */
export interface Mysql2PoolConnection extends Mysql2Connection {
  release(): void
}

/** The subset of a pool of `mysql2/promise` that is used. */
export interface Mysql2Pool {
  getConnection(): Promise<Mysql2PoolConnection>
  readonly pool: object
}

/** A pool of `mysql2` with callbacks. */
export interface Mysql2CallbackPool {
  promise(): Mysql2Pool
}

/** A connection of `mysql2` with callbacks. */
export interface Mysql2CallbackConnection {
  promise(): Mysql2Connection
  readonly getConnection?: never
}

/** A connection of `mysql2` with an open transaction. A pool is none. */
export type Mysql2Transaction = Mysql2Connection | Mysql2CallbackConnection

export function mysql2PoolDatabase(
  pool: Mysql2Pool | Mysql2CallbackPool,
  settings: ExecutorSettings,
): Database<Mysql2Transaction> {
  const lender = 'promise' in pool ? pool.promise() : pool
  const own = ownSide(
    {
      driver: 'mysql2',
      dialect: 'mysql',
      begin: BEGIN_OWN.mysql,
      async borrow() {
        const connection = await lender.getConnection()
        return {
          query: (sql, parameters) => run(connection, sql, parameters),
          end: (broken) => (broken ? connection.destroy() : connection.release()),
        }
      },
    },
    settings,
  )
  return { ...own, join, async close() {} }
}

export function mysql2ConnectionDatabase(
  connection: Mysql2Transaction,
  settings: ExecutorSettings,
): Database<Mysql2Transaction> {
  const own = { dialect: 'mysql', driver: 'mysql2', pool: 'a pool of mysql2' } as const
  return onlyPublishes(own, onMysql2(connection), join, settings)
}

function join(tx: Mysql2Transaction): Joined {
  const given: { query?: unknown; getConnection?: unknown; batch?: unknown } | null | undefined = tx
  if (typeof given?.query !== 'function' || given.getConnection !== undefined || given.batch !== undefined) {
    throw notATransaction('mysql2', 'the connection that ran beginTransaction(), not the pool', tx)
  }
  return { ...onMysql2(tx), check: () => checkMysql2(tx) }
}

/** Is a transaction open on the connection? @throws PosthornError `INVALID_INPUT` */
export async function checkMysql2(connection: Mysql2Transaction): Promise<void> {
  const [result] = await promising(connection).query(statementOf(checkOpen.sql), [])
  checkOpen.read((result as { serverStatus?: unknown } | null)?.serverStatus)
}

/** Statements on a connection that somebody else manages. */
export function onMysql2(connection: Mysql2Transaction): Executor {
  return { query: (sql, parameters) => run(promising(connection), sql, parameters) }
}

const promising = (connection: Mysql2Transaction): Mysql2Connection =>
  'promise' in connection ? connection.promise() : connection

const statementOf = (sql: string): Mysql2Statement => ({
  sql,
  rowsAsArray: false,
  nestTables: false,
  typeCast: true,
})

async function run(
  connection: Pick<Mysql2Connection, 'query'>,
  sql: string,
  parameters: readonly Parameter[],
): Promise<StatementResult> {
  const [result] = await connection.query(statementOf(sql), [...parameters])
  if (Array.isArray(result)) return { rows: result, rowCount: result.length }
  return { rows: [], rowCount: (result as { affectedRows: number }).affectedRows }
}
