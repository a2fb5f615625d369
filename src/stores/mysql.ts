/** The store on MySQL 8.0.16 and newer or MariaDB 10.6 and newer, through the application's own pool: mysql2 or mariadb. */
import type { Clock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { mysql } from './sql/dialects/mysql.ts'
import { type MysqlClient, type MysqlTransaction, mysqlDatabase } from './sql/executors/mysql.ts'
import type { ExecutorSettings } from './sql/executors/settings.ts'
import { checkPrefix } from './sql/namespace.ts'
import { createSqlStore, type SqlStore } from './sql/sql-store.ts'

export type { Migrated } from '../queries.ts'
export type { MysqlClient, MysqlTransaction } from './sql/executors/mysql.ts'
export type { SqlStore } from './sql/sql-store.ts'

/** Options of `mysqlStore`. */
export interface MysqlStoreOptions<Client extends MysqlClient> extends Omit<ExecutorSettings, 'clock'> {
  /** A pool of mysql2 or of mariadb (a connection only publishes and reads). It stays yours: it is never closed. */
  readonly client: Client
  /** What the names of the tables begin with. @default 'posthorn_' */
  readonly prefix?: string
  /** Decides what time it is, in place of the database. For tests. */
  readonly clock?: Clock
}

const OPTIONS = {
  client: true,
  prefix: true,
  queryTimeoutMs: true,
  namedStatements: true,
  clock: true,
} as const

/**
 * A store on MySQL or MariaDB. Run `await webhooks.migrate()` (or `npx posthorn migrate`) once per version before `start`.
 *
 * @throws PosthornError `INVALID_OPTION`
 */
export function mysqlStore<Client extends MysqlClient>(
  options: MysqlStoreOptions<Client>,
): SqlStore<MysqlTransaction<Client>> {
  refuseUnknownOptions('mysqlStore({ client })', options, OPTIONS)
  const { client, prefix = 'posthorn_', clock, ...settings } = options
  const namespace = checkPrefix(prefix)
  return createSqlStore({ database: mysqlDatabase(client, settings), dialect: mysql, namespace, clock })
}
