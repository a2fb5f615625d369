/**
 * A Postgres on a small disk: a program of its own, started by `unshare --mount`, so that the tmpfs it mounts is seen by nobody
 * else and is gone when it ends. Fills the disk and frees it when it is told to.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../../support/databases/start-postgres.ts'

const { folder, megabytes } = JSON.parse(process.env.SMALL_DISK ?? '{}') as {
  folder: string
  megabytes: number
}
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', folder])
mkdirSync(`${folder}/server`, { mode: 0o755 })
const server = await startPostgres({
  folder: `${folder}/server`,
  // Small segments of the log, so that it needs new ones soon, too.
  settings: ['synchronous_commit=on', 'max_wal_size=32MB', 'min_wal_size=32MB', 'shared_buffers=32MB'],
})
const filler = `${folder}/filler`

/** Writes until nothing fits any more. */
function fill(): void {
  const file = openSync(filler, 'a')
  try {
    for (const size of [1 << 20, 4_096]) {
      const block = Buffer.alloc(size)
      for (let fits = true; fits; ) {
        try {
          fits = writeSync(file, block) === size
        } catch {
          fits = false
        }
      }
    }
  } finally {
    closeSync(file)
  }
}

async function answers(): Promise<boolean> {
  const client = new pg.Client({ connectionString: server.url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

/** True when the server went on; false when it had to be started again, as an operator would. */
async function free(): Promise<boolean> {
  rmSync(filler)
  for (let tries = 0; tries < 10; tries++) {
    if (await answers()) return true
    await pause(200)
  }
  await server.restart()
  return false
}

process.on('message', (command: 'fill' | 'free') => {
  if (command === 'fill') {
    fill()
    process.send?.({ filled: true })
  } else {
    void free().then((wentOn) => process.send?.({ wentOn }))
  }
})
process.on('disconnect', () => void server.stop().finally(() => process.exit(0)))
process.send?.({ url: server.url })
