/** A pgbouncer in transaction mode before a Postgres, on a port and in a folder of its own; the one on the PATH (Debian: pgbouncer). */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type DatabaseServer, freePort, temporaryFolder } from './server.ts'

const run = promisify(execFile)

/** Is there a `pgbouncer` to start? Says why not. */
export async function missingPgbouncer(): Promise<string | null> {
  try {
    await run('pgbouncer', ['--version'])
    return null
  } catch {
    return 'no pgbouncer on the PATH (Debian: apt-get install pgbouncer)'
  }
}

/** How many connections it keeps to the server. */
export const POOL_SIZE = 10

/** Starts one before the database that `target` names. Stopped, its folder is removed. */
export async function startPgbouncer(target: string): Promise<DatabaseServer> {
  const folder = await temporaryFolder('pgbouncer')
  const port = await freePort()
  const { hostname, port: serverPort, username, password, pathname } = new URL(target)
  const database = pathname.slice(1)
  await writeFile(`${folder.path}/users`, `"${username}" "${decodeURIComponent(password)}"\n`)
  await writeFile(
    `${folder.path}/ini`,
    [
      '[databases]',
      `${database} = host=${hostname} port=${serverPort} dbname=${database}`,
      '[pgbouncer]',
      ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir ='],
      ...['auth_type = scram-sha-256', `auth_file = ${folder.path}/users`],
      ...['pool_mode = transaction', `default_pool_size = ${POOL_SIZE}`, 'max_client_conn = 500'],
    ].join('\n'),
  )
  const account = await serverUser()
  if (account !== null) await chown(folder.path, account.uid, account.gid)
  const server = spawn('pgbouncer', [`${folder.path}/ini`], {
    ...(account ?? {}),
    cwd: folder.path,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  const ready = new Promise<boolean>((resolve) => {
    server.stderr.on('data', (text: Buffer) => {
      log += text.toString()
      if (log.includes('process up')) resolve(true)
    })
    server.on('error', () => resolve(false))
    server.on('exit', () => resolve(false))
  })
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null && server.pid !== undefined) {
      const exited = once(server, 'exit')
      server.kill('SIGTERM')
      await exited
    }
    await folder.remove()
  }
  if (!(await ready)) {
    await stop()
    throw new Error(`pgbouncer did not start.\n${log.slice(-2_000)}`)
  }
  const url = new URL(target)
  url.port = String(port)
  return { url: url.href, stop }
}

/** pgbouncer refuses to run as root; Debian's package needs the user `postgres`. */
async function serverUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}
