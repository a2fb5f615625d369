/** PGlite: Postgres in this process, with one session. Own statements wait while a transaction of the caller is open. */
import type { Database, Joined, Parameter, StatementResult } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import { postgresParameters } from './postgres-values.ts'
import { notATransaction, notOpen } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** The subset of PGlite and of its transactions that is used. */
export interface PGliteQueryable {
  query(
    sql: string,
    parameters?: (string | number | null)[],
    options?: { rowMode?: 'object' },
  ): Promise<{ rows: unknown[]; affectedRows?: number }>
}

/** The `tx` of `db.transaction(async (tx) => …)`. */
export interface PGliteTransaction extends PGliteQueryable {
  rollback(): Promise<void>
}

/** The subset of PGlite that is used. */
export interface PGliteClient extends PGliteQueryable {
  transaction<T>(work: (tx: PGliteTransaction) => Promise<T>): Promise<T>
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>
  readonly waitReady: Promise<void>
}

export function pgliteDatabase(
  client: PGliteClient,
  settings: ExecutorSettings,
): Database<PGliteTransaction> {
  const deadline = createDeadline('PGlite', settings)
  return {
    dialect: 'postgres',
    driver: 'PGlite',
    query: (sql, parameters) => deadline('a statement', () => run(client, sql, parameters)),
    transaction: (work) =>
      deadline('a transaction', () =>
        client.transaction((tx) => work({ query: (sql, parameters) => run(tx, sql, parameters) })),
      ),
    join(tx): Joined {
      const given: { query?: unknown; rollback?: unknown; closed?: unknown } | null | undefined = tx
      if (typeof given?.query !== 'function' || typeof given.rollback !== 'function') {
        throw notATransaction(
          'PGlite',
          'the `tx` that `db.transaction(async (tx) => …)` hands to its function',
          tx,
        )
      }
      if (given.closed === true) throw notOpen()
      return { query: (sql, parameters) => run(tx, sql, parameters) }
    },
    async listen(channel, onMessage) {
      return client.listen(channel, onMessage)
    },
    async close() {},
  }
}

async function run(
  client: PGliteQueryable,
  sql: string,
  parameters: readonly Parameter[],
): Promise<StatementResult> {
  const { rows, affectedRows } = await client.query(sql, postgresParameters(parameters), {
    rowMode: 'object',
  })
  const objects = rows as Record<string, unknown>[]
  return { rows: objects, rowCount: objects.length > 0 ? objects.length : (affectedRows ?? 0) }
}
