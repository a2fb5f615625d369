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

/** When this worker takes nothing but suspects. */
export interface Suspects {
  /** There are some. True when the worker takes nothing else from now on. */
  begin(): boolean
  /** True when the loop has to wait: for what is in flight, or for the one row that was claimed. */
  keepBusy(): Promise<boolean>
  end(): void
}

export function createSuspects(
  clock: Clock,
  worker: Pick<Worker, 'busy' | 'claimOnce' | 'keepFree'>,
): Suspects {
  let since: number | null = null
  let aloneSince: number | null = null
  let ended = Number.NEGATIVE_INFINITY

  function end(): void {
    if (since !== null) ended = clock.monotonic()
    since = null
    aloneSince = null
    worker.keepFree(false)
  }

  return {
    begin() {
      if (clock.monotonic() - ended < ALONE_MS) return false
      since = clock.monotonic()
      worker.keepFree(true)
      return true
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
