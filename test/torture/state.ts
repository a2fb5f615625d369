/** What a run with `--state` has done already, so that it goes on where it was cut off: one file, replaced as a whole. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Findings } from './scenario.ts'

/** Findings of what has passed, by title. */
export interface State {
  readonly seed: number
  find(title: string): Findings | undefined
  keep(title: string, findings: Findings): void
}

interface Kept {
  readonly seed: number
  readonly long: boolean
  readonly done: Record<string, Findings>
}

/**
 * The state in `folder`, or a new one; without a folder it is kept nowhere. Seed and counts are those that the run began with.
 *
 * @throws Error for a folder of another run, and for a file that cannot be read
 */
export function openState(folder: string | undefined, seed: number | undefined, long: boolean): State {
  const path = folder === undefined ? null : join(folder, 'torture.json')
  const known = path === null ? null : read(path)
  if (known !== null && known.long !== long) {
    throw new Error(
      `${path} is of a run with ${known.long ? 'full' : 'reduced'} counts: ${known.long ? 'add --long' : 'leave --long out'}, or name another folder.`,
    )
  }
  if (known !== null && seed !== undefined && known.seed !== seed) {
    throw new Error(
      `${path} is of a run with --seed ${known.seed}: leave --seed out, or name another folder.`,
    )
  }
  const state: Kept = known ?? { seed: seed ?? 1 + Math.floor(Math.random() * 1_000_000), long, done: {} }
  return {
    seed: state.seed,
    find: (title) => state.done[title],
    keep(title, findings) {
      state.done[title] = findings
      if (path === null) return
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`)
      renameSync(`${path}.new`, path)
    },
  }
}

function read(path: string): Kept | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return JSON.parse(text) as Kept
  } catch (cause) {
    throw new Error(`${path} is not what a run wrote: remove it, or name another folder.`, { cause })
  }
}
