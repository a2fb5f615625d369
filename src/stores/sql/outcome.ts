/** Decides what an outcome does, fenced by its claim. A lost claim adds to the log and decides nothing but a success. */
import { isEnded } from '../../model.ts'
import type { Outcome, Recorded } from '../../queries.ts'
import type { AttemptRecord } from '../../records.ts'
import { attemptRecord } from '../attempt.ts'
import {
  type Book,
  type BookDelivery,
  type BookEvent,
  type BookRow,
  clearLostClaims,
  deliveryIn,
  deliveryNamed,
  end,
  keyOf,
  newDelivery,
  wait,
} from './book.ts'
import { asStored, KIND, rowPlace, toMicros } from './rows.ts'

/** What became of an outcome; the delivery is read once everything is decided. */
export interface Verdict {
  readonly result: Recorded['result']
  readonly delivery: BookDelivery | null
  readonly attempt: AttemptRecord | null
  /** See `Recorded`. */
  readonly ended?: true
  /** The delivery's state when this outcome had been applied. */
  readonly record: BookDelivery['record'] | null
}

function verdict(
  result: Recorded['result'],
  delivery: BookDelivery | null = null,
  attempt: AttemptRecord | null = null,
): Verdict {
  return { result, delivery, attempt, record: delivery?.record ?? null }
}

/** One outcome of `Store.record`. */
export function decide(book: Book, outcome: Outcome): Verdict {
  const { tenantId, eventId, attempt, claim } = outcome
  const event = book.events.get(keyOf(tenantId, eventId))
  if (event === undefined) return verdict('gone')
  const { subscriptionId } = outcome.delivery
  const delivery = deliveryIn(book, outcome)
  const row = book.rows.get(keyOf(...rowPlace(claim.row)))
  const live = row !== undefined && row.fate !== 'removed' && row.token === claim.token ? row : null
  const known = attempt === null ? undefined : book.attempts.get(keyOf(tenantId, attempt.id))
  if (known !== undefined) return verdict('repeated', delivery, known)
  const isGone = subscriptionId !== null && !book.subscriptions.has(keyOf(tenantId, subscriptionId))
  if (delivery === null && isGone) return verdict('gone')
  if (delivery === null && deliveryNamed(book, outcome) !== null) return verdict('taken')
  if (live === null) return lost(book, outcome, event, delivery)
  clearLostClaims(live)
  return applied(book, outcome, event, delivery, live)
}

function applied(
  book: Book,
  outcome: Outcome,
  event: BookEvent,
  known: BookDelivery | null,
  row: BookRow,
): Verdict {
  if (known !== null) {
    if (outcome.attempt === null && row.kind === KIND.event) return verdict('repeated', known)
    if (isEnded(known.record.state)) return late(book, outcome, known)
  }
  const delivery = known ?? newDelivery(book, event, outcome.delivery)
  const attempt = addAttempt(book, outcome, delivery, false)
  const { next } = outcome
  if (next.state === 'pending' || next.state === 'held') {
    const held = next.state === 'held' && (next.always || !isActive(book, delivery))
    const dueAt = next.state === 'pending' ? book.now + toMicros(next.delayMs) : book.now
    wait(book, delivery, { held, dueAt, trigger: next.trigger })
  } else end(book, delivery, next.state, next.state === 'failed' ? next.reason : null)
  return verdict('recorded', delivery, attempt)
}

function lost(book: Book, outcome: Outcome, event: BookEvent, known: BookDelivery | null): Verdict {
  const succeeded = outcome.attempt !== null && outcome.next.state === 'succeeded'
  if (known === null && !succeeded) return verdict('late')
  const delivery = known ?? newDelivery(book, event, outcome.delivery)
  if (!succeeded || isEnded(delivery.record.state)) return late(book, outcome, delivery)
  const attempt = addAttempt(book, outcome, delivery, true)
  end(book, delivery, 'succeeded')
  return { ...verdict('late', delivery, attempt), ended: true }
}

/** Adds the attempt, if there is one, to a delivery that it cannot change any more. */
function late(book: Book, outcome: Outcome, delivery: BookDelivery): Verdict {
  return verdict('late', delivery, addAttempt(book, outcome, delivery, true))
}

function isActive(book: Book, { record: { tenantId, subscriptionId } }: BookDelivery): boolean {
  return subscriptionId === null || book.subscriptions.get(keyOf(tenantId, subscriptionId)) === 'active'
}

function addAttempt(
  book: Book,
  { attempt }: Outcome,
  delivery: BookDelivery,
  isLate: boolean,
): AttemptRecord | null {
  if (attempt === null) return null
  const { tenantId, id: deliveryId, eventId, eventType, subscriptionId, attemptCount } = delivery.record
  const owner = { tenantId, eventId, eventType, subscriptionId }
  const stored = attemptRecord(asStored(attempt), owner, deliveryId, attemptCount + 1, isLate)
  book.attempts.set(keyOf(tenantId, attempt.id), stored)
  book.newAttempts.push(stored)
  delivery.record = {
    ...delivery.record,
    attemptCount: stored.number,
    lastStatus: stored.status,
    lastFailure: stored.failure,
    updatedAt: book.now / 1000,
  }
  delivery.changed = true
  return stored
}
