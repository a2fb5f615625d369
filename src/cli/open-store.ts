/** Opens the store that a database URL names, with the driver that the project has installed. */
import { existsSync } from 'node:fs'
import { PosthornError } from '../errors.ts'
import { mysqlStore } from '../stores/mysql.ts'
import { postgresStore } from '../stores/postgres.ts'
import type { SqlStore } from '../stores/sql/sql-store.ts'
import { sqliteStore } from '../stores/sqlite.ts'
import { firstDriver, member } from './drivers.ts'

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

/** postgres.js: the function that its package exports, called with the URL. */
interface PostgresJs {
  unsafe(text: string): Promise<Record<string, unknown>[]>
  end(): Promise<void>
}

async function openPostgres({
  url,
  schema,
  listen = false,
  connections: max = CONNECTIONS,
}: StorePlace): Promise<OpenedStore> {
  const { name, found } = await firstDriver(['pg', 'postgres'])
  const storeOf = (client: unknown) =>
    postgresStore({ client: client as never, listen, ...(schema === undefined ? {} : { schema }) })
  if (name === 'pg') {
    const Pool = member(found, 'Pool') as new (options: object) => PgPool
    const pool = new Pool({ connectionString: url, max, application_name: APPLICATION })
    return {
      store: storeOf(pool),
      query: async (sql) => (await pool.query(sql)).rows,
      close: () => pool.end(),
    }
  }
  const connect = found.default as (url: string, options: object) => PostgresJs
  const sql = connect(url, { max, connection: { application_name: APPLICATION } })
  return { store: storeOf(sql), query: (text) => sql.unsafe(text), close: () => sql.end() }
}

/** mysql2 answers rows and fields, mariadb rows alone. */
interface MysqlPool {
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

async function openMysql({ url, prefix, connections = CONNECTIONS }: StorePlace): Promise<OpenedStore> {
  const { name, found } = await firstDriver(['mysql2/promise', 'mariadb'])
  const createPool = member(found, 'createPool') as (options: unknown) => MysqlPool
  const pool =
    name === 'mariadb'
      ? ofMariadb(createPool, url, connections)
      : createPool({ uri: url.replace(/^mariadb:/, 'mysql:'), connectionLimit: connections })
  return {
    store: mysqlStore({ client: pool as never, ...(prefix === undefined ? {} : { prefix }) }),
    async query(sql) {
      const answer = await pool.query(sql)
      const rows = name === 'mariadb' ? answer : (answer as [unknown])[0]
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    },
    close: () => pool.end(),
  }
}

/** Of the URL alone, which it must be able to read: what it throws of one shows the password. */
function ofMariadb(createPool: (url: string) => MysqlPool, url: string, connections: number): MysqlPool {
  const [place, options = ''] = url.replace(/^mysql:/, 'mariadb:').split('?')
  try {
    return createPool(`${place}?${options}${options === '' ? '' : '&'}connectionLimit=${connections}`)
  } catch {
    const message = 'The database URL cannot be read: give mysql://user:password@host:port/database.'
    throw new PosthornError('INVALID_OPTION', message, { path: 'url' })
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
  const { found } = await firstDriver(SQLITE_DRIVERS)
  const Database = (found.DatabaseSync ?? found.default) as new (path: string) => SqliteHandle
  const handle = new Database(path)
  return {
    store: sqliteStore({ client: handle as never, ...(prefix === undefined ? {} : { prefix }) }),
    query: async (sql) => handle.prepare(sql).all(),
    close: async () => handle.close(),
  }
}
