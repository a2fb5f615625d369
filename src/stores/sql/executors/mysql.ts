/** Which MySQL client is this? Told by shape, so that no driver is a dependency. */
import type { Database } from '../executor.ts'
import { has } from './has.ts'
import {
  type MariadbConnection,
  type MariadbPool,
  type MariadbTransaction,
  mariadbConnectionDatabase,
  mariadbPoolDatabase,
} from './mariadb.ts'
import {
  type Mysql2CallbackPool,
  type Mysql2Pool,
  type Mysql2Transaction,
  mysql2ConnectionDatabase,
  mysql2PoolDatabase,
} from './mysql2.ts'
import { notAClient } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** A client of the caller: a pool (or a connection, to publish only) of `mysql2`, in both flavours, or of `mariadb`. */
export type MysqlClient =
  | Mysql2Pool
  | Mysql2CallbackPool
  | Mysql2Transaction
  | MariadbPool
  | MariadbConnection

/** What `publish(…, { tx })` takes with this client. */
export type MysqlTransaction<Client> = Client extends MariadbPool | MariadbConnection
  ? MariadbTransaction
  : Mysql2Transaction

/** @throws PosthornError `INVALID_OPTION` for anything that is no MySQL client */
export function mysqlDatabase<Client extends MysqlClient>(
  client: Client,
  settings: ExecutorSettings = {},
): Database<MysqlTransaction<Client>> {
  return databaseOf(client, settings) as Database<unknown> as Database<MysqlTransaction<Client>>
}

function databaseOf(client: MysqlClient, settings: ExecutorSettings): Database<never> {
  const isPool = has(client, 'getConnection')
  if (has(client, 'query', 'batch')) {
    return isPool
      ? mariadbPoolDatabase(client as MariadbPool, settings)
      : mariadbConnectionDatabase(client as MariadbConnection, settings)
  }
  if (has(client, 'query', 'execute')) {
    return isPool
      ? mysql2PoolDatabase(client as Mysql2Pool, settings)
      : mysql2ConnectionDatabase(client as Mysql2Transaction, settings)
  }
  throw notAClient('MySQL', 'a pool of mysql2 or of mariadb', client)
}
