/**
 * Drizzle: `drizzle(…)` over pg, postgres.js, PGlite, mysql2 or a synchronous SQLite driver. The store works on the client
 * that Drizzle was given (`db.$client`; with `withReplicas` that of the primary); with `tx` its statements run on the very
 * connection of that transaction, savepoints included, and errors come as the driver threw them.
 */
import type { Database } from '../executor.ts'
import { anyDatabase } from '../executors/any.ts'
import { has } from '../executors/has.ts'
import { notAClient, notATransaction } from '../executors/refuse.ts'
import type { ExecutorSettings } from '../executors/settings.ts'

/** The subset of a Drizzle database that is used. */
export interface DrizzleDatabase {
  readonly $client: object
  transaction(work: never, ...rest: never[]): unknown
}

/** The `tx` of `db.transaction((tx) => …)`. */
export type DrizzleTransaction<Db extends DrizzleDatabase> = Parameters<Db['transaction']>[0] extends (
  tx: infer Tx,
) => unknown
  ? Tx
  : never

/** @throws PosthornError `INVALID_OPTION` for anything that is no Drizzle database over a client that a store takes */
export function drizzleDatabase<Db extends DrizzleDatabase>(
  db: Db,
  settings: ExecutorSettings = {},
): Database<DrizzleTransaction<Db>> {
  const given: { $client?: unknown } | null | undefined = db
  if (given?.$client === undefined || !has(db, 'transaction', 'select')) {
    throw notAClient('Drizzle', 'what `drizzle(…)` returned', db)
  }
  const database = anyDatabase(given.$client, settings)
  return {
    ...database,
    driver: `Drizzle over ${database.driver}`,
    join(tx) {
      const open: { rollback?: unknown; session?: { client?: unknown } } | null | undefined = tx as object
      const connection = open?.session?.client
      if (!has(tx, 'rollback', 'select') || connection === undefined) {
        throw notATransaction(
          'Drizzle',
          'the `tx` that `db.transaction((tx) => …)` hands to its function',
          tx,
        )
      }
      return database.join(connection)
    },
  }
}
