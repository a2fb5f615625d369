/** The `mariadb` connector: a pool, and connections that only publish. */
import type { Database, Joined, Parameter, StatementResult } from '../executor.ts'
import { checkOpen } from './mysql-status.ts'
import { onlyPublishes } from './only-publishes.ts'
import { BEGIN_OWN, ownSide } from './own-connections.ts'
import { notATransaction } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** A statement as `mariadb` takes it; what the caller may have set for all rows of the pool is set back. */
export interface MariadbStatement {
  sql: string
  rowsAsArray: false
  metaAsArray: false
  nestTables: false
  namedPlaceholders: false
}

/** The subset of a connection of `mariadb` that is used. */
export interface MariadbConnection {
  query(statement: MariadbStatement, values: unknown[]): Promise<unknown>
  batch(sql: string): Promise<unknown>
  destroy(): void
  readonly getConnection?: never
}

/** The subset of a pool of `mariadb` that is used. */
export interface MariadbPool {
  getConnection(): Promise<MariadbConnection & { release(): Promise<void> }>
  batch(sql: string): Promise<unknown>
}

/** A connection of `mariadb` with an open transaction. A pool is none. */
export type MariadbTransaction = MariadbConnection

export function mariadbPoolDatabase(
  pool: MariadbPool,
  settings: ExecutorSettings,
): Database<MariadbTransaction> {
  const own = ownSide(
    {
      driver: 'mariadb',
      dialect: 'mysql',
      begin: BEGIN_OWN.mysql,
      async borrow() {
        const connection = await pool.getConnection()
        return {
          query: (sql, parameters) => run(connection, sql, parameters),
          end(broken) {
            if (broken) connection.destroy()
            else connection.release().catch(() => connection.destroy())
          },
        }
      },
    },
    settings,
  )
  return { ...own, join, async close() {} }
}

export function mariadbConnectionDatabase(
  connection: MariadbConnection,
  settings: ExecutorSettings,
): Database<MariadbTransaction> {
  const own = { dialect: 'mysql', driver: 'mariadb', pool: 'a pool of mariadb' } as const
  return onlyPublishes(own, { query: (sql, parameters) => run(connection, sql, parameters) }, join, settings)
}

function join(tx: MariadbTransaction): Joined {
  const given: { batch?: unknown; getConnection?: unknown } | null | undefined = tx
  if (typeof given?.batch !== 'function' || given.getConnection !== undefined) {
    throw notATransaction('mariadb', 'the connection that ran beginTransaction(), not the pool', tx)
  }
  return {
    query: (sql, parameters) => run(tx, sql, parameters),
    async check() {
      await run(tx, checkOpen.sql, [])
      // Not to be believed before: the connector takes a transaction for open after any error, also after one that has ended it.
      checkOpen.read((tx as { info?: { status?: unknown } }).info?.status)
    },
  }
}

async function run(
  connection: MariadbConnection,
  sql: string,
  parameters: readonly Parameter[],
): Promise<StatementResult> {
  const statement = {
    sql,
    rowsAsArray: false as const,
    metaAsArray: false as const,
    nestTables: false as const,
    namedPlaceholders: false as const,
    typeCast: (_column: unknown, next: () => unknown) => next(),
  }
  const result = await connection.query(statement, [...parameters])
  if (Array.isArray(result)) return { rows: [...result], rowCount: result.length }
  return { rows: [], rowCount: (result as { affectedRows: number }).affectedRows }
}
