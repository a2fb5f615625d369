/** Tells the statistics and the `ended` hook of a delivery that has ended. */
import type { Parts } from '../parts.ts'
import type { DeliveryRecord } from '../records.ts'

/** Says nothing of a delivery that is pending. */
export function reportEnded(parts: Pick<Parts, 'report' | 'statistics'>, delivery: DeliveryRecord): void {
  const { id, eventId, eventType, tenantId, subscriptionId, state, reason, attemptCount } = delivery
  if (state === 'pending') return
  parts.statistics.ended(delivery)
  if (!parts.report.hasEnded) return
  parts.report.ended({
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
