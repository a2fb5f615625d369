/**
 * Ends claims in batches: handled rows leave the queue, unsent ones go back. While one batch is being written the next
 * one gathers. A claim that cannot be ended is left to its lease.
 */
import type { Claim } from '../records.ts'
import type { Store } from '../store.ts'

const MAX_BATCH = 500

interface Entry {
  readonly claim: Claim
  /** Null: finished. */
  readonly delayMs: number | null
  readonly resolve: () => void
}

export interface Settler {
  /** The row is handled: it leaves the queue. Resolves when that is written, or given up. */
  finish(claim: Claim): Promise<void>
  /** The row was not handled (to its end): it is due again after `delayMs`. */
  handBack(claim: Claim, delayMs: number): Promise<void>
}

export function createSettler(
  store: Store<unknown>,
  problem: (during: string, cause: unknown) => void,
): Settler {
  let gathered: Entry[] = []
  let running = false

  async function run(): Promise<void> {
    while (gathered.length > 0) {
      const batch = gathered.slice(0, MAX_BATCH)
      gathered = gathered.slice(MAX_BATCH)
      await write(batch)
      for (const entry of batch) entry.resolve()
    }
    running = false
  }

  async function write(batch: readonly Entry[]): Promise<void> {
    const finished = batch.filter((entry) => entry.delayMs === null).map((entry) => entry.claim)
    const back = batch.flatMap(({ claim, delayMs }) => (delayMs === null ? [] : [{ claim, delayMs }]))
    if (finished.length > 0) await safely(() => store.finish(finished))
    if (back.length > 0) await safely(() => store.handBack(back))
  }

  /** One that fails does not keep the other from being written. */
  async function safely(write: () => Promise<number>): Promise<void> {
    try {
      await write()
    } catch (cause) {
      problem('settle', cause)
    }
  }

  function add(claim: Claim, delayMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      gathered.push({ claim, delayMs, resolve })
      if (running) return
      running = true
      queueMicrotask(run)
    })
  }

  return { finish: (claim) => add(claim, null), handBack: add }
}
