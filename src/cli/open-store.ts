/**
 * Opens the store that a database URL names, with the driver that the project has installed. Drivers are looked up
 * from the working directory, because the library brings none.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PosthornError } from '../errors.ts'
import { mysqlStore } from '../stores/mysql.ts'
import { postgresStore } from '../stores/postgres.ts'
import type { SqlStore } from '../stores/sql/sql-store.ts'
import { sqliteStore } from '../stores/sqlite.ts'

/** A store, and the way to let go of its connections. */
export interface OpenedStore {
  readonly store: SqlStore<never>
  /** Runs one statement outside the store: for `torture`, which drops its scratch schema and cuts connections. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

/** Where the tables are: a schema on Postgres, a prefix of their names elsewhere. */
export interface StorePlace {
  readonly url: string
  readonly schema?: string | undefined
  readonly prefix?: string | undefined
  /** Wake-up hints between processes, on Postgres. @default false */
  readonly listen?: boolean | undefined
  /** Connections at most, on Postgres and MariaDB. @default 10 */
  readonly connections?: number | undefined
  /** An SQLite file must be there: it is not made by looking at it. @default false */
  readonly existing?: boolean
}

const CONNECTIONS = 10

/** What databases have been opened for: shown by the server beside each connection. */
const APPLICATION = 'posthorn'

/**
 * Opens `postgres://…`, `mysql://…` (MariaDB, too) or `sqlite:path/to/file`.
 *
 * @throws PosthornError `INVALID_OPTION` for another URL, or when the project has no driver for it
 */
export async function openStore(place: StorePlace): Promise<OpenedStore> {
  const { url } = place
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(place)
  if (/^(mysql|mariadb):\/\//.test(url)) return openMysql(place)
  if (/^(sqlite|file):/.test(url)) return openSqlite(place)
  throw new PosthornError(
    'INVALID_OPTION',
    'The database URL is none that Posthorn knows: give postgres://…, mysql://… or sqlite:path/to/file with --url, or set DATABASE_URL.',
    { path: 'url' },
  )
}

interface PgPool {
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>
  end(): Promise<void>
}

async function openPostgres({
  url,
  schema,
  listen = false,
  connections = CONNECTIONS,
}: StorePlace): Promise<OpenedStore> {
  const Pool = member(await driver('pg'), 'Pool') as new (options: object) => PgPool
  const pool = new Pool({ connectionString: url, max: connections, application_name: APPLICATION })
  return {
    store: postgresStore({ client: pool as never, listen, ...(schema === undefined ? {} : { schema }) }),
    query: async (sql) => (await pool.query(sql)).rows,
    close: () => pool.end(),
  }
}

interface MysqlPool {
  query(sql: string): Promise<[unknown, unknown]>
  end(): Promise<void>
}

async function openMysql({ url, prefix, connections = CONNECTIONS }: StorePlace): Promise<OpenedStore> {
  const createPool = member(await driver('mysql2/promise'), 'createPool') as (options: object) => MysqlPool
  const pool = createPool({ uri: url.replace(/^mariadb:/, 'mysql:'), connectionLimit: connections })
  return {
    store: mysqlStore({ client: pool as never, ...(prefix === undefined ? {} : { prefix }) }),
    async query(sql) {
      const [rows] = await pool.query(sql)
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    },
    close: () => pool.end(),
  }
}

interface SqliteHandle {
  prepare(sql: string): { all(): Record<string, unknown>[] }
  close(): void
}

/** In the order of preference; each has a class that takes a path. */
const SQLITE_DRIVERS = ['node:sqlite', 'better-sqlite3', '@photostructure/sqlite', 'libsql'] as const

async function openSqlite({ url, prefix, existing = false }: StorePlace): Promise<OpenedStore> {
  const path = url.replace(/^(sqlite|file):(\/\/)?/, '')
  if (existing && !existsSync(path.replace(/\?.*$/, ''))) {
    const message = `There is no SQLite file "${path}": correct the path, or make it with \`npx posthorn migrate\`.`
    throw new PosthornError('INVALID_OPTION', message, { path: 'url' })
  }
  for (const name of SQLITE_DRIVERS) {
    const found = await driver(name).catch(() => null)
    if (found === null) continue
    const Database = (found.DatabaseSync ?? found.default) as new (path: string) => SqliteHandle
    const handle = new Database(path)
    return {
      store: sqliteStore({ client: handle as never, ...(prefix === undefined ? {} : { prefix }) }),
      query: async (sql) => handle.prepare(sql).all(),
      close: async () => handle.close(),
    }
  }
  throw missing('better-sqlite3 or libsql (node:sqlite comes with Node 22.13 and newer)')
}

async function driver(name: string): Promise<Record<string, unknown>> {
  try {
    if (name.startsWith('node:')) return await import(name)
    const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')))
    return (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, unknown>
  } catch (cause) {
    throw missing(name.replace('/promise', ''), cause)
  }
}

/** An export of a driver, whichever way its CommonJS arrives here. */
function member(found: Record<string, unknown>, name: string): unknown {
  return found[name] ?? (found.default as Record<string, unknown> | undefined)?.[name]
}

function missing(name: string, cause?: unknown): PosthornError {
  return new PosthornError(
    'INVALID_OPTION',
    `No driver for this database is installed here: add ${name} to the project and run the command in its folder. With another client (postgres.js, mariadb, PGlite …) call \`await webhooks.migrate()\` in your own code.`,
    { path: 'url', cause },
  )
}
