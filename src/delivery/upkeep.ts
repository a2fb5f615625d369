/**
 * What any process does now and then, so that nothing waits for a particular worker: ends deliveries that are too
 * old, releases held ones whose reason has gone, prunes old history.
 */
import type { Parts } from '../parts.ts'

const BATCH = 500
const PRUNE_EVERY_MS = 600_000
const DAY_MS = 86_400_000
/** How long finished history is kept. */
const RETENTION = { finishedAgeMs: 30 * DAY_MS, bodyAgeMs: 30 * DAY_MS, keyAgeMs: 7 * DAY_MS } as const

export interface Upkeep {
  /** One bounded round. */
  run(): Promise<void>
}

export function createUpkeep(parts: Parts): Upkeep {
  const { store, clock, report } = parts
  let pruneAt = clock.monotonic() + PRUNE_EVERY_MS

  async function expire(): Promise<void> {
    for (const { id, state, ...delivery } of await store.expire(BATCH)) {
      if (state === 'pending') continue
      const { eventId, eventType, tenantId, subscriptionId, reason, attemptCount } = delivery
      report.ended({
        deliveryId: id,
        eventId,
        eventType,
        tenantId,
        subscriptionId,
        state,
        reason,
        attemptCount,
      })
    }
  }

  async function releaseHeld(): Promise<void> {
    let after: { tenantId: string; subscriptionId: string } | null = null
    for (;;) {
      const held = await store.listHeld({ after, limit: BATCH })
      for (const { tenantId, subscriptionId } of held) {
        const subscription = await store.getSubscription(tenantId, subscriptionId)
        if (subscription === null) await store.cancel({ tenantId, subscriptionId }, BATCH)
        else if (subscription.state === 'active') {
          await store.release({ tenantId, subscriptionId, limit: BATCH, ordering: 'none' })
        }
      }
      const last = held.at(-1)
      if (last === undefined || held.length < BATCH) return
      after = { tenantId: last.tenantId, subscriptionId: last.subscriptionId }
    }
  }

  async function prune(): Promise<void> {
    if (clock.monotonic() < pruneAt) return
    pruneAt = clock.monotonic() + PRUNE_EVERY_MS
    await store.prune({ ...RETENTION, limit: 1_000 })
  }

  return {
    async run() {
      await expire()
      await releaseHeld()
      await prune()
    },
  }
}
