/**
 * The share of failures over all processes: read from the rollups, which every process adds to, so that it costs no write and
 * outlives a restart. Asked only by a process that has seen too few attempts to tell alone.
 */
import type { Parts } from '../parts.ts'
import type { SubscriptionRecord } from '../records.ts'
import type { Tally } from './breaker.ts'
import { conditionOf } from './condition.ts'
import type { StoreTime } from './prepare.ts'
import { MINUTE_MS } from './statistics.ts'

/** What all processes have counted of a subscription: of whole minutes since it became active, up to two seconds late. */
export async function sharedTally(row: SubscriptionRecord, parts: Parts, time: StoreTime): Promise<Tally> {
  const now = time.now()
  const windowMs = parts.policy.breaker?.windowMs ?? 0
  const rollups = await parts.store.readRollups({
    tenant: row.tenantId,
    subscriptionId: row.id,
    bucketMs: MINUTE_MS,
    since: Math.max(now - windowMs, conditionOf(row).activeSince ?? 0),
    until: now + MINUTE_MS,
  })
  let total = 0
  let failed = 0
  let firstFailedAt: number | null = null
  for (const { counters, bucketAt } of rollups) {
    // What our own stop has aborted says nothing about the receiver.
    const aborted = counters['failure.aborted'] ?? 0
    const failures = (counters.failed ?? 0) - aborted
    total += (counters.attempts ?? 0) - aborted
    failed += failures
    if (failures > 0)
      firstFailedAt = Math.min(firstFailedAt ?? Number.POSITIVE_INFINITY, bucketAt + MINUTE_MS)
  }
  return { total, failed, failingForMs: firstFailedAt === null ? null : Math.max(0, now - firstFailedAt) }
}
