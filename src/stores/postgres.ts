/** The store on Postgres 14 and newer, through the application's own client: pg, postgres.js or PGlite. */
import type { Clock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { postgres } from './sql/dialects/postgres.ts'
import { type PostgresClient, type PostgresTransaction, postgresDatabase } from './sql/executors/postgres.ts'
import type { ExecutorSettings } from './sql/executors/settings.ts'
import { checkSchemaName } from './sql/namespace.ts'
import { createSqlStore, type SqlStore } from './sql/sql-store.ts'

export type { Migrated } from '../queries.ts'
export type { PostgresClient, PostgresTransaction } from './sql/executors/postgres.ts'
export type { SqlStore } from './sql/sql-store.ts'

/** Options of `postgresStore`. */
export interface PostgresStoreOptions<Client extends PostgresClient> extends Omit<ExecutorSettings, 'clock'> {
  /** A `pg` Pool (a Client only publishes and reads), the `sql` of postgres.js, or a PGlite. It stays yours: it is never closed. */
  readonly client: Client
  /** The schema of the tables. @default 'posthorn' */
  readonly schema?: string
  /**
   * Wakes the workers of other processes at once (LISTEN/NOTIFY) instead of within a second. It takes one connection of the
   * pool in each process that works, and a direct one: a pooler in transaction mode drops notifications, which is warned of.
   * @default false
   */
  readonly listen?: boolean
  /** Decides what time it is, in place of the database. For tests. */
  readonly clock?: Clock
}

const OPTIONS = {
  client: true,
  schema: true,
  listen: true,
  queryTimeoutMs: true,
  namedStatements: true,
  clock: true,
} as const

/**
 * A store on Postgres. Run `await webhooks.migrate()` (or `npx posthorn migrate`) once per version before `start`.
 *
 * @throws PosthornError `INVALID_OPTION`
 */
export function postgresStore<Client extends PostgresClient>(
  options: PostgresStoreOptions<Client>,
): SqlStore<PostgresTransaction<Client>> {
  refuseUnknownOptions('postgresStore({ client })', options, OPTIONS)
  const { client, schema = 'posthorn', listen = false, clock, ...settings } = options
  return createSqlStore({
    database: postgresDatabase(client, settings),
    dialect: postgres,
    namespace: checkSchemaName(schema),
    clock,
    listen,
  })
}
