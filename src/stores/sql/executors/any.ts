/** A client of any of the three databases: for the ORMs, which run over all of them. */
import type { Database } from '../executor.ts'
import { has } from './has.ts'
import { type MysqlClient, mysqlDatabase } from './mysql.ts'
import { type PostgresClient, postgresDatabase } from './postgres.ts'
import type { ExecutorSettings } from './settings.ts'
import { sqliteDatabase } from './sqlite.ts'
import { isSqliteHandle } from './sqlite-handle.ts'

/** @throws PosthornError `INVALID_OPTION` for anything that is no client */
export function anyDatabase(client: unknown, settings: ExecutorSettings = {}): Database<unknown> {
  if (isSqliteHandle(client)) return sqliteDatabase(client, settings) as Database<unknown>
  if (has(client, 'query', 'execute'))
    return mysqlDatabase(client as MysqlClient, settings) as Database<unknown>
  return postgresDatabase(client as PostgresClient, settings) as Database<unknown>
}
