/**
 * What any process does now and then, so that nothing waits for a particular worker: ends deliveries that are too
 * old, releases held ones whose reason has gone, prunes old history.
 */
import type { Parts } from '../parts.ts'
import type { Holding } from './holding.ts'
import { reportProblem } from './problem.ts'
import { reportEnded } from './report-ended.ts'
import { HOUR_MS, MINUTE_MS } from './statistics.ts'

const BATCH = 500
const PRUNE_EVERY_MS = 600_000
const DAY_MS = 86_400_000
/** Events at most of one batch of pruning. */
const PRUNE_BATCH = 1_000
/** How long statistics are kept. */
const ROLLUPS = [
  { bucketMs: MINUTE_MS, ageMs: 2 * DAY_MS },
  { bucketMs: HOUR_MS, ageMs: 90 * DAY_MS },
]

export interface Upkeep {
  /**
   * One round; with `all` it looks at every held subscription, and what is released is due when it resolves. Never rejects: a step
   * that fails is told, and keeps neither the next one nor a claim from going on.
   */
  run(all?: boolean): Promise<void>
  /** Prunes a batch if it is time to. Of a process that only `ticks` it is from the beginning on. Never rejects. */
  prune(ticks: boolean): Promise<void>
}

export function createUpkeep(parts: Parts, holding: Holding): Upkeep {
  const { store, clock, retention } = parts
  const builtAt = clock.monotonic()
  /** Null before the first time. */
  let pruneAt: number | null = null

  async function expire(): Promise<void> {
    for (const delivery of await store.expire(BATCH)) {
      reportEnded(parts, delivery)
      holding.notices.tellExhausted(delivery)
    }
  }

  async function readClock(): Promise<void> {
    const askedAt = clock.monotonic()
    holding.time.correct(await store.now(), askedAt)
  }

  /** A process that only ticks may be gone before the wait of a worker is over, so it begins with it. */
  async function prune(ticks: boolean): Promise<void> {
    if (clock.monotonic() < (pruneAt ?? (ticks ? builtAt : builtAt + PRUNE_EVERY_MS))) return
    pruneAt = clock.monotonic() + PRUNE_EVERY_MS
    if (retention !== null) {
      const { finishedMs, bodiesMs, keysMs } = retention
      const ages = { finishedAgeMs: finishedMs, bodyAgeMs: bodiesMs, keyAgeMs: keysMs }
      const { events, bodies, keys } = await store.prune({ ...ages, limit: PRUNE_BATCH })
      // More is waiting: the next round goes on, so that no rate of publishing outgrows it.
      if (events + bodies + keys >= PRUNE_BATCH) pruneAt = clock.monotonic()
    }
    for (const rollups of ROLLUPS) await store.pruneRollups({ ...rollups, limit: 10_000 })
  }

  async function release(all: boolean): Promise<void> {
    await holding.releaser.sweep(all)
    if (all) await holding.releaser.run()
    else holding.releaser.kick()
  }

  /** True when it went well. */
  async function safely(during: string, step: () => Promise<void>): Promise<boolean> {
    try {
      await step()
      return true
    } catch (cause) {
      reportProblem(parts, during, cause)
      return false
    }
  }

  return {
    async run(all = false) {
      // A store that cannot say what time it is does nothing else, either: whoever claims will be told why.
      if (!(await safely('clock', readClock))) return
      await safely('expire', expire)
      await safely('release', () => release(all))
      holding.conditions.tidy()
    },
    async prune(ticks) {
      await safely('prune', () => prune(ticks))
    },
  }
}
