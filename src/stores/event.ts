/** The event row that a store keeps, from what the engine made and what the store gives. */
import type { EventRecord, NewEvent } from '../records.ts'

/** The store's part of an event. */
export type GivenToEvent = Pick<EventRecord, 'publishedAt' | 'dueAt' | 'sequence'>

/** Field by field, see `attemptRecord`; `metadata` and `settings` are copies, so that nobody shares the caller's. */
export function eventRecord(
  made: NewEvent,
  metadata: EventRecord['metadata'],
  settings: EventRecord['settings'],
  given: GivenToEvent,
): EventRecord {
  return {
    id: made.id,
    tenantId: made.tenantId,
    type: made.type,
    body: made.body,
    metadata,
    orderingKey: made.orderingKey,
    settings,
    test: made.test,
    skipped: made.skipped,
    idempotencyKey: made.idempotencyKey,
    occurredAt: made.occurredAt,
    publishedAt: given.publishedAt,
    dueAt: given.dueAt,
    sequence: given.sequence,
  }
}
