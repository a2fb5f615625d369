/** A store over an ORM's database: the dialect follows from what the ORM talks to. */
import type { Clock } from '../../../clock.ts'
import { PosthornError } from '../../../errors.ts'
import type { Dialect } from '../dialect.ts'
import { mysql } from '../dialects/mysql.ts'
import { postgres } from '../dialects/postgres.ts'
import { sqlite } from '../dialects/sqlite.ts'
import type { Database } from '../executor.ts'
import type { ExecutorSettings } from '../executors/settings.ts'
import { checkPrefix, checkSchemaName } from '../namespace.ts'
import { createSqlStore, type SqlStore } from '../sql-store.ts'

/** Options of the stores over an ORM. */
export interface OrmStoreOptions extends Omit<ExecutorSettings, 'clock'> {
  /** The schema of the tables, on Postgres only. @default 'posthorn' */
  readonly schema?: string
  /** As of `postgresStore`, where the ORM's own client can listen. @default false */
  readonly listen?: boolean
  /** What the names of the tables begin with, on MySQL and SQLite only. @default 'posthorn_' */
  readonly prefix?: string
  /** Decides what time it is, in place of the database. For tests. */
  readonly clock?: Clock
}

/** The names of the options. */
export const ORM_OPTIONS = {
  schema: true,
  prefix: true,
  listen: true,
  queryTimeoutMs: true,
  namedStatements: true,
  clock: true,
} as const

const DIALECTS: Readonly<Record<Database['dialect'], Dialect>> = { postgres, mysql, sqlite }

/** @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS` */
export function ormStore<Tx>(
  database: Database<Tx>,
  { schema, prefix, clock, listen = false }: Pick<OrmStoreOptions, 'schema' | 'prefix' | 'clock' | 'listen'>,
): SqlStore<Tx> {
  const onPostgres = database.dialect === 'postgres'
  const [wrong, right] = onPostgres ? [prefix, 'schema'] : [schema, 'prefix']
  if (wrong !== undefined) {
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      `\`${onPostgres ? 'prefix' : 'schema'}\` has no meaning on ${database.dialect}, which this store talks to; use \`${right}\`.`,
      { path: onPostgres ? 'prefix' : 'schema' },
    )
  }
  const namespace = onPostgres ? checkSchemaName(schema ?? 'posthorn') : checkPrefix(prefix ?? 'posthorn_')
  return createSqlStore({ database, dialect: DIALECTS[database.dialect], namespace, clock, listen })
}
