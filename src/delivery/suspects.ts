/**
 * Rows that two killed workers had are claimed alone, so that one which kills the process takes no neighbours along. A worker
 * that is never idle would leave them for ever, so it now and then takes nothing else for a while.
 */
import type { Clock } from '../clock.ts'
import type { Worker } from './worker.ts'

/** How long a busy worker waits until it is idle, how long it then does only such rows, and how long it does not. */
const ALONE_MS = 5_000

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
  let ended = Number.NEGATIVE_INFINITY

  function end(): void {
    if (since !== null) ended = clock.monotonic()
    since = null
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
      const forMs = clock.monotonic() - since
      const { busy } = worker
      if (busy && forMs < ALONE_MS) return true
      const took = forMs < 2 * ALONE_MS && (await worker.claimOnce(true)).count > 0
      if (took && !busy) return true
      end()
      return false
    },
    end,
  }
}
