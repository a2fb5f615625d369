/**
 * A real MariaDB for tests: the `mariadbd` on the PATH, started on a port and in a folder of its own, or the server named by
 * `POSTHORN_TEST_MYSQL_URL`. Where there is neither, its suites are skipped and one line says so.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type DatabaseServer, freePort, temporaryFolder } from './server.ts'

const run = promisify(execFile)

/** Is there a `mariadbd` to start? Says why not. */
export async function missingMariadb(): Promise<string | null> {
  try {
    await run('mariadbd', ['--no-defaults', '--version'])
    return null
  } catch {
    return 'no mariadbd on the PATH (Debian: apt-get install mariadb-server) and no POSTHORN_TEST_MYSQL_URL'
  }
}

/** What a test may set on a server of its own. */
export interface MysqlServerOptions {
  /** More options of the command line, for example `['innodb-flush-log-at-trx-commit=1']`; they win. */
  readonly settings?: readonly string[]
}

/** Starts a server of the caller's own, which it may kill. Stopped, its folder is removed. */
export async function startMysql(options: MysqlServerOptions = {}): Promise<DatabaseServer> {
  const folder = await temporaryFolder('mariadb')
  const port = await freePort()
  const user = await serverUser()
  if (user !== null) await chown(folder.path, user.uid, user.gid)
  const account = user ?? {}
  const data = `${folder.path}/data`
  try {
    await run(
      'mariadb-install-db',
      [
        '--no-defaults',
        `--datadir=${data}`,
        `--tmpdir=${folder.path}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--skip-name-resolve',
      ],
      { ...account, cwd: folder.path },
    )
  } catch (cause) {
    await folder.remove()
    throw new Error('The data directory of MariaDB could not be made.', { cause })
  }
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      // A server that starts removes the temporary tables that it finds there, also those of another server.
      `--tmpdir=${folder.path}`,
      `--socket=${folder.path}/socket`,
      `--pid-file=${folder.path}/pid`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--max-connections=300',
      '--innodb-flush-log-at-trx-commit=0',
      '--character-set-server=utf8mb4',
      ...(options.settings ?? []).map((setting) => `--${setting}`),
    ],
    { ...account, cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  const ready = new Promise<boolean>((resolve) => {
    server.stderr.on('data', (text: Buffer) => {
      log += text.toString()
      if (log.includes('ready for connections')) resolve(true)
    })
    server.on('error', () => resolve(false))
    server.on('exit', () => resolve(false))
  })
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null && server.pid !== undefined) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
    await folder.remove()
  }
  if (!(await ready)) {
    await stop()
    throw new Error(`mariadbd did not start.\n${log.slice(-2000)}`)
  }
  return { url: `mysql://root@127.0.0.1:${port}/mysql`, stop }
}

/** mariadbd refuses to run as root; Debian's package brings the user `mysql`. */
async function serverUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null
  const [uid, gid] = await Promise.all([run('id', ['-u', 'mysql']), run('id', ['-g', 'mysql'])])
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}
