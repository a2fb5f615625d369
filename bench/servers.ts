/** The database servers of a run: started when first asked for, on spare ports, each measurement in a fresh database. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { freePort, freshName, temporaryFolder, withDatabase } from '../test/support/databases/server.ts'
import { missingMariadb, startMysql } from '../test/support/databases/start-mysql.ts'
import { startPostgres } from '../test/support/databases/start-postgres.ts'
import type { DatabaseOfRun } from './contender.ts'

const run = promisify(execFile)

const POSTGRES = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'wal_level=replica',
  'shared_buffers=512MB',
  'max_wal_size=4GB',
  'checkpoint_timeout=15min',
  'shared_preload_libraries=pg_stat_statements',
]
const MARIADB = [
  'innodb-flush-log-at-trx-commit=1',
  'innodb-buffer-pool-size=512M',
  'innodb-log-file-size=1G',
  'skip-log-bin',
]
const REDIS = ['appendonly yes', 'appendfsync everysec', 'save ""']

/** A server that can make a fresh database for a measurement. */
export interface RunningServer {
  /** One line: what it is and how it is set. */
  readonly settings: string
  fresh(): Promise<{ readonly database: DatabaseOfRun; drop(): Promise<void> }>
  stop(): Promise<void>
}

/** Starts it, or says why there is none. */
export async function startServer(kind: DatabaseOfRun['kind']): Promise<RunningServer | string> {
  const starters = { postgres, mysql: mariadb, redis, sqlite }
  return starters[kind]()
}

async function postgres(): Promise<RunningServer> {
  const server = await startPostgres({ settings: POSTGRES })
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  const { rows } = await admin.query(
    "select current_setting('data_directory') as folder, current_setting('server_version') as version",
  )
  const [line = ''] = (await readFile(`${rows[0].folder}/postmaster.pid`, 'utf8')).split('\n')
  return {
    settings: `Postgres ${rows[0].version}: ${POSTGRES.join(', ')}`,
    async fresh() {
      const name = freshName()
      await admin.query(`create database ${name} template template0`)
      const url = withDatabase(server.url, name)
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query('create extension if not exists pg_stat_statements').catch(() => {})
      await client.end()
      await admin.query('checkpoint')
      return {
        database: { kind: 'postgres', url, pid: Number(line) },
        drop: async () => void (await admin.query(`drop database if exists ${name} with (force)`)),
      }
    },
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

async function mariadb(): Promise<RunningServer | string> {
  const missing = await missingMariadb()
  if (missing !== null) return missing
  const server = await startMysql({ settings: MARIADB })
  const admin = await mysql.createConnection(server.url)
  const [rows] = await admin.query('select version() as version, @@pid_file as pid')
  const [found] = rows as { version: string; pid: string }[]
  const pid = Number(await readFile(found?.pid ?? '', 'utf8'))
  return {
    settings: `${found?.version}: ${MARIADB.join(', ')}`,
    async fresh() {
      const name = freshName()
      await admin.query(`create database ${name} character set utf8mb4`)
      return {
        database: { kind: 'mysql', url: withDatabase(server.url, name), pid },
        drop: async () => void (await admin.query(`drop database if exists ${name}`)),
      }
    },
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

async function redis(): Promise<RunningServer | string> {
  const version = await run('redis-server', ['--version']).catch(() => null)
  if (version === null) return 'no redis-server on the PATH (Debian: apt-get install redis-server)'
  const folder = await temporaryFolder('redis')
  const port = await freePort()
  const settings = REDIS.flatMap((line) => {
    const [name = '', value = ''] = line.split(' ')
    return [`--${name}`, value.replaceAll('"', '')]
  })
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, ...settings],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text: Buffer) => {
      if (text.toString().includes('Ready to accept connections')) resolve()
    })
    server.once('exit', () => reject(new Error('redis-server did not start')))
  })
  const url = `redis://127.0.0.1:${port}`
  return {
    settings: `Redis ${/v=(\S+)/.exec(version.stdout)?.[1]}: ${REDIS.join(', ')}`,
    async fresh() {
      await run('redis-cli', ['-p', String(port), 'flushall'])
      return { database: { kind: 'redis', url, pid: server.pid ?? null }, drop: async () => {} }
    },
    async stop() {
      server.kill('SIGTERM')
      await once(server, 'exit')
      await folder.remove()
    },
  }
}

async function sqlite(): Promise<RunningServer> {
  return {
    settings: 'SQLite: a file of its own per measurement, journal_mode=wal, synchronous=normal',
    async fresh() {
      const folder = await temporaryFolder('sqlite')
      return { database: { kind: 'sqlite', url: `${folder.path}/app.db`, pid: null }, drop: folder.remove }
    },
    async stop() {},
  }
}
