/** Whose delivery it is that has an outcome's id: ids come from a generator of the host's, which may begin anew with each start. */
import type { Outcome } from '../queries.ts'
import type { DeliveryRecord } from '../records.ts'

/**
 * The delivery of that id is the one that the outcome is about. `isDelivery`: what is claimed is a delivery, which then knows its id;
 * an event makes the ids of its deliveries as it goes.
 */
export function isSameDelivery(
  { eventId, subscriptionId }: DeliveryRecord,
  outcome: Outcome,
  isDelivery: boolean,
): boolean {
  if (eventId !== outcome.eventId) return false
  return isDelivery || subscriptionId === outcome.delivery.subscriptionId
}
