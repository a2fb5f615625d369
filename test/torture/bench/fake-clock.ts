/** A wall clock that is wrong, for processes that are started with its environment; libfaketime of Debian's package `faketime`. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { temporaryFolder } from '../../support/databases/server.ts'
import type { Bench } from '../scenario.ts'

/** Why a scenario is left out. */
export const noFaketime = { skipped: 'there is no faketime here (Debian: apt-get install faketime)' }

/** A clock that may be set while processes run. Their monotonic clock stays right, as a machine's does. */
export interface FakeClock {
  readonly environment: Readonly<Record<string, string>>
  /** Seconds ahead of the machine's clock; negative: behind. */
  set(aheadS: number): void
}

/** Null where libfaketime is not installed. */
export async function fakeClock(bench: Bench, aheadS: number): Promise<FakeClock | null> {
  const library = await promisify(execFile)('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD']).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  )
  if (library === null) return null
  const folder = await temporaryFolder('clock')
  bench.after(folder.remove)
  const file = `${folder.path}/offset`
  const set = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  set(aheadS)
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    set,
  }
}
