/** The store on SQLite, through any synchronous driver: node:sqlite, better-sqlite3, libsql, bun:sqlite. */
import type { Clock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { sqlite } from './sql/dialects/sqlite.ts'
import { type SqliteClient, type SqliteSettings, sqliteDatabase } from './sql/executors/sqlite.ts'
import { checkPrefix } from './sql/namespace.ts'
import { createSqlStore, type SqlStore } from './sql/sql-store.ts'

export type { Migrated } from '../queries.ts'
export type { SqliteClient } from './sql/executors/sqlite.ts'
export type { SqliteHandle, SqliteStatement } from './sql/executors/sqlite-handle.ts'
export type { SqlStore } from './sql/sql-store.ts'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions extends Omit<SqliteSettings, 'clock'> {
  /** An open handle. On a file the store works on a second connection that it opens itself. It stays yours: it is never closed. */
  readonly client: SqliteClient
  /** What the names of the tables begin with. @default 'posthorn_' */
  readonly prefix?: string
  /** Decides what time it is, in place of the database. For tests. */
  readonly clock?: Clock
}

const OPTIONS = {
  client: true,
  prefix: true,
  openConnection: true,
  queryTimeoutMs: true,
  namedStatements: true,
  clock: true,
} as const

/**
 * A store on SQLite. Run `await webhooks.migrate()` (or `npx posthorn migrate`) once per version before `start`.
 *
 * @throws PosthornError `INVALID_OPTION`
 */
export function sqliteStore(options: SqliteStoreOptions): SqlStore<SqliteClient> {
  refuseUnknownOptions('sqliteStore({ client })', options, OPTIONS)
  const { client, prefix = 'posthorn_', clock, ...settings } = options
  const namespace = checkPrefix(prefix)
  return createSqlStore({ database: sqliteDatabase(client, settings), dialect: sqlite, namespace, clock })
}
