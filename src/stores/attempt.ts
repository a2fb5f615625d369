/** The attempt row that a store keeps, from what the engine made and what the store knows. */
import type { AttemptRecord, DeliveryRecord, NewAttempt } from '../records.ts'

/** Whose attempt it is. */
export type AttemptOwner = Pick<DeliveryRecord, 'tenantId' | 'eventId' | 'eventType' | 'subscriptionId'>

/** Field by field: V8 adds properties to a spread copy one at a time, at fifty times the cost of a literal. */
export function attemptRecord(
  made: NewAttempt,
  owner: AttemptOwner,
  deliveryId: string,
  number: number,
  late: boolean,
): AttemptRecord {
  return {
    id: made.id,
    tenantId: owner.tenantId,
    deliveryId,
    eventId: owner.eventId,
    eventType: owner.eventType,
    subscriptionId: owner.subscriptionId,
    number,
    trigger: made.trigger,
    url: made.url,
    startedAt: made.startedAt,
    durationMs: made.durationMs,
    outcome: made.outcome,
    status: made.status,
    failure: made.failure,
    message: made.message,
    excerpt: made.excerpt,
    mayHaveBeenReceived: made.mayHaveBeenReceived,
    afterLostClaim: made.afterLostClaim,
    late,
  }
}
