/**
 * What any process does now and then, so that nothing waits for a particular worker: ends deliveries that are too
 * old, releases held ones whose reason has gone, prunes old history.
 */
import type { Parts } from '../parts.ts'
import type { Holding } from './holding.ts'
import { reportEnded } from './report-ended.ts'
import { HOUR_MS, MINUTE_MS } from './statistics.ts'

const BATCH = 500
const PRUNE_EVERY_MS = 600_000
const DAY_MS = 86_400_000
/** How long finished history is kept. */
const RETENTION = { finishedAgeMs: 30 * DAY_MS, bodyAgeMs: 30 * DAY_MS, keyAgeMs: 7 * DAY_MS } as const
/** How long statistics are kept. */
const ROLLUPS = [
  { bucketMs: MINUTE_MS, ageMs: 2 * DAY_MS },
  { bucketMs: HOUR_MS, ageMs: 90 * DAY_MS },
]

export interface Upkeep {
  /** One round; with `all` it looks at every held subscription, and what is released is due when it resolves. */
  run(all?: boolean): Promise<void>
}

export function createUpkeep(parts: Parts, holding: Holding): Upkeep {
  const { store, clock } = parts
  let pruneAt = clock.monotonic() + PRUNE_EVERY_MS

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

  async function prune(): Promise<void> {
    if (clock.monotonic() < pruneAt) return
    pruneAt = clock.monotonic() + PRUNE_EVERY_MS
    await store.prune({ ...RETENTION, limit: 1_000 })
    for (const rollups of ROLLUPS) await store.pruneRollups({ ...rollups, limit: 10_000 })
  }

  return {
    async run(all = false) {
      await readClock()
      await expire()
      await holding.releaser.sweep(all)
      if (all) await holding.releaser.run()
      else holding.releaser.kick()
      holding.conditions.tidy()
      await prune()
    },
  }
}
