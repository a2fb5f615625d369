/**
 * Knex over pg, mysql2 or better-sqlite3. Statements run on the driver's connection that Knex lends, past its query builder: no
 * `?` is read as a binding, no response is mapped, and errors come as the driver threw them.
 */
import type { Database, Executor, Joined } from '../executor.ts'
import { has } from '../executors/has.ts'
import { checkMysql2, type Mysql2Connection, onMysql2 } from '../executors/mysql2.ts'
import { BEGIN_OWN, ownSide } from '../executors/own-connections.ts'
import { onPg } from '../executors/pg.ts'
import { notAClient, notATransaction } from '../executors/refuse.ts'
import type { ExecutorSettings } from '../executors/settings.ts'
import { onSqlite } from '../executors/sqlite.ts'
import { isSqliteHandle } from '../executors/sqlite-handle.ts'

/** What lends connections in Knex. */
interface KnexClient {
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<unknown>
  readonly driverName?: string
}

/** The subset of a Knex instance that is used. */
export interface KnexDatabase {
  readonly client: unknown
  transaction: unknown
  raw: unknown
  readonly executionPromise?: never
}

/** The `trx` of `knex.transaction(async (trx) => …)`. */
export interface KnexTransaction {
  readonly client: unknown
  readonly executionPromise: Promise<unknown>
  isCompleted(): boolean
}

const DIALECTS = { pg: 'postgres', mysql2: 'mysql', 'better-sqlite3': 'sqlite' } as const

/** @throws PosthornError `INVALID_OPTION` for anything that is no Knex instance over one of the three drivers */
export function knexDatabase(knex: KnexDatabase, settings: ExecutorSettings = {}): Database<KnexTransaction> {
  const client = clientOf(knex)
  const dialect = DIALECTS[client?.driverName as keyof typeof DIALECTS]
  if (
    client === null ||
    dialect === undefined ||
    !has(knex, 'raw', 'transaction') ||
    has(knex, 'isCompleted')
  ) {
    throw notAClient('Knex', 'a Knex instance over pg, mysql2 or better-sqlite3', knex)
  }
  const executors = new WeakMap<object, Executor>()

  /** The driver's executor, once for each connection (it keeps prepared statements). */
  function on(connection: object): Executor {
    const executor = executors.get(connection) ?? executorOf(connection)
    executors.set(connection, executor)
    return executor
  }

  const own = ownSide(
    {
      driver: 'Knex',
      dialect,
      begin: BEGIN_OWN[dialect],
      async borrow() {
        const connection = await client.acquireConnection()
        return {
          query: on(connection).query,
          end(broken) {
            // How Knex itself marks a connection that its pool must not lend again.
            if (broken) Object.assign(connection, { __knex__disposed: new Error('late') })
            client.releaseConnection(connection).catch(() => {})
          },
        }
      },
    },
    settings,
  )
  return {
    ...own,
    join(tx): Joined {
      const open = clientOf(tx)
      if (open === null || !has(tx, 'isCompleted', 'commit') || tx.isCompleted()) {
        throw notATransaction(
          'Knex',
          'the open `trx` that `knex.transaction(async (trx) => …)` hands out',
          tx,
        )
      }
      return {
        async query(sql, parameters) {
          const connection = await open.acquireConnection()
          return on(connection).query(sql, parameters)
        },
        // Knex does not see a transaction that the server has ended (a deadlock).
        ...(dialect !== 'mysql'
          ? {}
          : { check: async () => checkMysql2((await open.acquireConnection()) as Mysql2Connection) }),
      }
    },
    async close() {},
  }
}

function clientOf(knex: KnexDatabase | KnexTransaction | null | undefined): KnexClient | null {
  return has(knex?.client, 'acquireConnection', 'releaseConnection') ? (knex?.client as KnexClient) : null
}

/** The driver of a connection, by its shape. */
function executorOf(connection: object): Executor {
  if (isSqliteHandle(connection)) return onSqlite(connection)
  if (has(connection, 'query', 'execute')) return onMysql2(connection as Parameters<typeof onMysql2>[0])
  return onPg(connection as Parameters<typeof onPg>[0])
}
