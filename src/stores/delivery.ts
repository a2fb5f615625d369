/** The delivery row that a store keeps when it is new, from what the engine made and what the store gives. */
import type { DeliveryRecord, NewDelivery } from '../records.ts'

/** The store's part of a new delivery; all instants in ms. `headers` is a copy, so that nobody shares the caller's. */
export interface GivenToDelivery
  extends Pick<
    DeliveryRecord,
    'number' | 'tenantId' | 'eventId' | 'eventType' | 'headers' | 'expiresAt' | 'nextAttemptAt'
  > {
  readonly now: number
}

/** How its first attempt ended it, where that is known before it is stored. */
export type FirstEnd = Pick<DeliveryRecord, 'state' | 'reason' | 'lastStatus' | 'lastFailure'>

/** Field by field, see `attemptRecord`. Pending, unless its first attempt has ended it at once. */
export function deliveryRecord(
  made: NewDelivery,
  given: GivenToDelivery,
  first: FirstEnd | null = null,
): DeliveryRecord {
  return {
    id: made.id,
    number: given.number,
    tenantId: given.tenantId,
    eventId: given.eventId,
    eventType: given.eventType,
    subscriptionId: made.subscriptionId,
    destination: first === null ? made.destination : null,
    body: made.body,
    headers: given.headers,
    state: first === null ? 'pending' : first.state,
    reason: first === null ? null : first.reason,
    test: made.test,
    attemptCount: first === null ? 0 : 1,
    roundStart: 0,
    lastStatus: first === null ? null : first.lastStatus,
    lastFailure: first === null ? null : first.lastFailure,
    createdAt: given.now,
    updatedAt: given.now,
    endedAt: first === null ? null : given.now,
    nextAttemptAt: given.nextAttemptAt,
    held: false,
    expiresAt: given.expiresAt,
  }
}
