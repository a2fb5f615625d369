/** Which Postgres client is this? Told by shape, so that no driver is a dependency. */
import type { Database } from '../executor.ts'
import { has } from './has.ts'
import { type PgClient, type PgPool, type PgTransaction, pgClientDatabase, pgPoolDatabase } from './pg.ts'
import { type PGliteClient, type PGliteTransaction, pgliteDatabase } from './pglite.ts'
import { type PostgresJs, type PostgresJsTransaction, postgresJsDatabase } from './postgres-js.ts'
import { notAClient } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** A client of the caller: a `pg` Pool (or a Client, to publish only), the `sql` of postgres.js, or a PGlite. */
export type PostgresClient = PgPool | PgClient | PostgresJs | PGliteClient

/** What `publish(…, { tx })` takes with this client. */
export type PostgresTransaction<Client> = Client extends PostgresJs
  ? PostgresJsTransaction
  : Client extends PGliteClient
    ? PGliteTransaction
    : PgTransaction

/** @throws PosthornError `INVALID_OPTION` for anything that is no Postgres client */
export function postgresDatabase<Client extends PostgresClient>(
  client: Client,
  settings: ExecutorSettings = {},
): Database<PostgresTransaction<Client>> {
  return databaseOf(client, settings) as Database<unknown> as Database<PostgresTransaction<Client>>
}

function databaseOf(client: PostgresClient, settings: ExecutorSettings): Database<never> {
  if (isPostgresJs(client)) return postgresJsDatabase(client, settings)
  if (isPGlite(client)) return pgliteDatabase(client, settings)
  if (isPgPool(client)) return pgPoolDatabase(client, settings)
  if (isPgClient(client)) return pgClientDatabase(client, settings)
  throw notAClient('Postgres', 'a pg Pool, the `sql` of postgres.js or a PGlite', client)
}

const isPostgresJs = (client: unknown): client is PostgresJs =>
  typeof client === 'function' && has(client, 'unsafe', 'begin', 'listen')

const isPGlite = (client: unknown): client is PGliteClient =>
  has(client, 'query', 'exec', 'transaction', 'listen')

const isPgPool = (client: unknown): client is PgPool =>
  has(client, 'connect', 'query', 'on') && typeof (client as PgPool).totalCount === 'number'

const isPgClient = (client: unknown): client is PgClient => has(client, 'connect', 'query', 'end', 'on')
