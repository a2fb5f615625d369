/**
 * Rows that two killed workers had are claimed alone, so that one which kills the process takes no neighbours along. A worker
 * that is never idle would leave them for ever, so it now and then takes nothing else for a while.
 */
import type { Clock } from '../clock.ts'
import type { Worker } from './worker.ts'

/** How long a busy worker waits until it is idle. */
const IDLE_WITHIN_MS = 5_000
/** How long it then does only such rows, and how long it does not. What else is due waits as long. */
const ALONE_MS = 2_000

/** Of several busy workers that see the same few rows one is to take them while the others go on, where what is in flight ends soon: each waits for up to so long before it begins. */
const STAGGER_MS = 1_000

/** When this worker takes nothing but suspects. */
export interface Suspects {
  /** Told of each claim whether there are some; null: it did not look. True when the worker takes nothing else from now on. */
  begin(seen: boolean | null): boolean
  /** An idle worker takes one at once, and nothing beside it. False when there was none. */
  takeOne(): Promise<boolean>
  /** True when the loop has to wait: for what is in flight, or for the one row that was claimed. */
  keepBusy(): Promise<boolean>
  end(): void
}

export function createSuspects(
  clock: Clock,
  random: () => number,
  worker: Pick<Worker, 'busy' | 'claimOnce' | 'keepFree'>,
): Suspects {
  let since: number | null = null
  let aloneSince: number | null = null
  let ended = Number.NEGATIVE_INFINITY
  /** When it is this worker's turn, of what it has seen since. */
  let beginsAt: number | null = null

  function end(): void {
    if (since !== null) ended = clock.monotonic()
    since = null
    aloneSince = null
    worker.keepFree(false)
  }

  return {
    begin(seen) {
      if (seen === null) return false
      const now = clock.monotonic()
      beginsAt = seen ? (beginsAt ?? Math.max(now, ended + ALONE_MS) + random() * STAGGER_MS) : null
      if (beginsAt === null || now < beginsAt) return false
      beginsAt = null
      since = now
      worker.keepFree(true)
      return true
    },
    async takeOne() {
      since = clock.monotonic()
      aloneSince = Number.NEGATIVE_INFINITY
      worker.keepFree(true)
      const { count } = await worker.claimOnce(true)
      if (count === 0) end()
      return count > 0
    },
    async keepBusy() {
      if (since === null) return false
      const now = clock.monotonic()
      const { busy } = worker
      if (busy && now - since < IDLE_WITHIN_MS) return true
      aloneSince ??= now
      const took = now - aloneSince < ALONE_MS && (await worker.claimOnce(true)).count > 0
      if (took && !busy) return true
      end()
      return false
    },
    end,
  }
}
