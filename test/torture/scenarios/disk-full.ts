/** Test 25: a SQLite file on a disk that is full. The disk is a file system in a mount namespace of the process alone. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { temporaryFolder } from '../../support/databases/server.ts'
import type { Findings, Scenario } from '../scenario.ts'

const MOUNT = 'mount -t tmpfs -o size=8m posthorn "$0" && exec "$@"'

/** How to have file systems of one's own here: as root, or as the root of a namespace of users; null: not at all. */
function unshare(folder: string): readonly string[] | null {
  const ways = [['-m'], ['-rm']]
  return (
    ways.find((way) => spawnSync('unshare', [...way, 'sh', '-c', MOUNT, folder, 'true']).status === 0) ?? null
  )
}

export const diskFull: Scenario = {
  number: 25,
  name: 'SQLite disk full',
  kinds: ['sqlite'],
  async run(bench) {
    const folder = await temporaryFolder('disk')
    bench.after(folder.remove)
    const way = unshare(folder.path)
    if (way === null) {
      const skipped = 'no file system can be mounted here (unshare -m)'
      process.stderr.write(`SKIPPED: 25. SQLite disk full: ${skipped}.\n`)
      return { skipped }
    }
    const options = bench.full ? { times: 20, fullMs: 30_000 } : { times: 1, fullMs: 3_000 }
    const program = [process.execPath, bench.programs.probe, 'disk-full']
    const child = spawn('unshare', [...way, 'sh', '-c', MOUNT, folder.path, ...program], {
      env: { ...process.env, DISK: JSON.stringify({ folder: folder.path, ...options }) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    bench.after(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const [found] = await Promise.race([
      once(child, 'message') as Promise<[Findings]>,
      exited.then(([code, signal]): [Findings] => [
        { problems: [`the process ended with ${signal ?? code}`], figures: {} },
      ]),
    ])
    await exited
    return found
  },
}
