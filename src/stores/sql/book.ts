/**
 * What a batch of outcomes is about, as read under its locks: queue rows, deliveries, events, subscriptions. Decisions change it in
 * memory, outcome by outcome; `record.ts` then writes what changed, in a constant number of statements.
 */
import type { Trigger } from '../../model.ts'
import type { Outcome } from '../../queries.ts'
import type { AttemptRecord, DeliveryRecord, NewDelivery } from '../../records.ts'
import { deliveryRecord } from '../delivery.ts'
import { isSameDelivery } from '../same-delivery.ts'
import { KIND, rowPlace } from './rows.ts'

/** A queue row that is stored, or will be. */
export interface BookRow {
  /** Null for a new one. */
  readonly id: number | null
  readonly tenantId: string
  readonly eventId: string
  readonly kind: number
  token: string | null
  claimsBefore: number
  /** True when claims before the present one were lost and are forgotten now. */
  cleared: boolean
  /** How it is left: as it was, gone, due again at `dueAt`, or held. */
  fate: 'same' | 'removed' | 'due' | 'held'
  /** As it was read. */
  readonly held: boolean
  dueAt: number
  trigger: Trigger
  /** True when one of these outcomes is by hand: the row is outside the order from then on. */
  byHand: boolean
}

/** A delivery as it will be. */
export interface BookDelivery {
  record: DeliveryRecord
  readonly isNew: boolean
  changed: boolean
  row: BookRow | null
}

/** What is needed of an event. */
export interface BookEvent {
  readonly id: string
  readonly tenantId: string
  readonly type: string
  /** In µs. */
  readonly dueAt: number
}

/** See the file's header. Keys are made by `keyOf`. */
export interface Book {
  /** The store's clock in µs. */
  readonly now: number
  readonly rows: Map<string, BookRow>
  readonly events: Map<string, BookEvent>
  /** State by subscription. */
  readonly subscriptions: Map<string, string>
  readonly deliveries: Map<string, BookDelivery>
  /** By event and subscription. */
  readonly deliveryFor: Map<string, BookDelivery>
  /** Those of the outcomes that are stored, or will be. */
  readonly attempts: Map<string, AttemptRecord>
  readonly newAttempts: AttemptRecord[]
}

/** One key of several parts, each after its length: no two lists of parts make the same. */
export function keyOf(...parts: readonly (string | number)[]): string {
  let key = ''
  for (const part of parts) key += typeof part === 'number' ? `${part};` : `${part.length}:${part}`
  return key
}

/** Enters a delivery, old or new. */
export function enter(book: Book, delivery: BookDelivery): void {
  const { tenantId, id, eventId, subscriptionId } = delivery.record
  book.deliveries.set(keyOf(tenantId, id), delivery)
  book.deliveryFor.set(keyOf(tenantId, eventId, subscriptionId ?? ''), delivery)
}

/** The delivery that an outcome is about: the one of its id, or else the event's one for the subscription. */
export function deliveryIn(book: Book, outcome: Outcome): BookDelivery | null {
  const { tenantId, eventId, delivery } = outcome
  const named = deliveryNamed(book, outcome)
  if (named !== null && isSameDelivery(named.record, outcome, isDelivery(book, outcome))) return named
  return book.deliveryFor.get(keyOf(tenantId, eventId, delivery.subscriptionId ?? '')) ?? null
}

/** The delivery that has an outcome's id, be it another's. */
export function deliveryNamed(book: Book, { tenantId, delivery: { id } }: Outcome): BookDelivery | null {
  return book.deliveries.get(keyOf(tenantId, id)) ?? null
}

const isDelivery = (book: Book, { claim }: Outcome): boolean =>
  book.rows.get(keyOf(...rowPlace(claim.row)))?.kind === KIND.delivery

/** A pending delivery of an event, at an instant in µs. Its number comes with the insert. */
export function pendingDelivery(now: number, event: BookEvent, input: NewDelivery): DeliveryRecord {
  return deliveryRecord(input, {
    number: 0,
    tenantId: event.tenantId,
    eventId: event.id,
    eventType: event.type,
    headers: input.headers === null ? null : { ...input.headers },
    now: now / 1000,
    nextAttemptAt: null,
    expiresAt: (event.dueAt + Math.round(input.maxAgeMs * 1000)) / 1000,
  })
}

/** Enters a pending delivery that is to be inserted. */
export function newDelivery(book: Book, event: BookEvent, input: NewDelivery): BookDelivery {
  const delivery = { record: pendingDelivery(book.now, event, input), isNew: true, changed: true, row: null }
  enter(book, delivery)
  return delivery
}

/** Forgets lost claims: an outcome was recorded. The present claim counts as long as it lasts. */
export function clearLostClaims(row: BookRow): void {
  if (row.claimsBefore === 0) return
  row.claimsBefore = 0
  row.cleared = true
}

/** Ends a pending delivery and removes its queue row. */
export function end(
  book: Book,
  delivery: BookDelivery,
  state: 'succeeded' | 'failed' | 'cancelled',
  reason: DeliveryRecord['reason'] = null,
): void {
  const at = book.now / 1000
  const ended = {
    state,
    reason,
    destination: null,
    endedAt: at,
    updatedAt: at,
    nextAttemptAt: null,
    held: false,
  }
  delivery.record = { ...delivery.record, ...ended }
  delivery.changed = true
  if (delivery.row !== null) delivery.row.fate = 'removed'
  delivery.row = null
}

/** Leaves a delivery pending: due at an instant (µs), or held. */
export function wait(
  book: Book,
  delivery: BookDelivery,
  how: { readonly held: boolean; readonly dueAt: number; readonly trigger: Trigger },
): void {
  const { tenantId, eventId } = delivery.record
  delivery.row ??= {
    id: null,
    tenantId,
    eventId,
    kind: KIND.delivery,
    token: null,
    claimsBefore: 0,
    cleared: false,
    fate: 'same',
    held: false,
    dueAt: 0,
    trigger: how.trigger,
    byHand: false,
  }
  const { row } = delivery
  row.fate = how.held ? 'held' : 'due'
  row.token = null
  row.dueAt = how.dueAt
  row.trigger = how.trigger
  row.byHand ||= how.trigger === 'manual'
  const waiting = { held: how.held, nextAttemptAt: how.held ? null : how.dueAt / 1000 }
  delivery.record = { ...delivery.record, ...waiting, updatedAt: book.now / 1000 }
  delivery.changed = true
}
