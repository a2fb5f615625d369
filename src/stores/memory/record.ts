/** Records outcomes, each fenced by its claim. A lost claim adds to the log and decides nothing but a success. */
import { isEnded } from '../../model.ts'
import type { Next, Outcome, Recorded } from '../../queries.ts'
import type { AttemptRecord, DeliveryRecord, EventRecord, NewAttempt } from '../../records.ts'
import { attemptRecord } from '../attempt.ts'
import { isSameDelivery } from '../same-delivery.ts'
import { changeDelivery, deliveryFor, endDelivery, insertDelivery } from './deliveries.ts'
import { finish } from './queue.ts'
import {
  addRow,
  claimedRow,
  clearLostClaims,
  dueRow,
  endClaim,
  holdRow,
  setReleased,
  setTrigger,
} from './rows.ts'
import type { QueueRow, State, Tenant } from './state.ts'

/** What one outcome is about. */
interface Case {
  readonly state: State
  readonly tenant: Tenant
  readonly event: EventRecord
  readonly outcome: Outcome
  /** The delivery as stored, if it is. */
  readonly delivery: DeliveryRecord | undefined
}

/** `Store.record`. A claim is finished after all of its outcomes, and only if none of them was refused. */
export function record(state: State, outcomes: readonly Outcome[]): readonly Recorded[] {
  const results = outcomes.map((outcome) => recordOne(state, outcome))
  const refused = new Set(
    outcomes.flatMap(({ claim }, at) => (results[at]?.result === 'recorded' ? [] : claim.row)),
  )
  return results.map((recorded, at) => {
    const { last, claim } = outcomes[at] ?? {}
    const ends = last === true && claim !== undefined && !refused.has(claim.row)
    return ends && finish(state, [claim]) === 1 ? Object.freeze({ ...recorded, finished: true }) : recorded
  })
}

function recordOne(state: State, outcome: Outcome): Recorded {
  const tenant = state.tenants.get(outcome.tenantId)
  const event = tenant?.events.get(outcome.eventId)
  if (tenant === undefined || event === undefined) return answer('gone')
  const { id, subscriptionId } = outcome.delivery
  const row = claimedRow(state, outcome.claim)
  const named = tenant.deliveries.get(id)
  const delivery =
    named !== undefined && isSameDelivery(named, outcome, row?.task.kind === 'delivery')
      ? named
      : deliveryFor(tenant, event.id, subscriptionId)
  const one: Case = { state, tenant, event, outcome, delivery }
  const known = outcome.attempt === null ? undefined : tenant.attempts.get(outcome.attempt.id)
  if (delivery !== undefined && known !== undefined) return answer('repeated', delivery, known)
  if (delivery === undefined && subscriptionId !== null && !tenant.subscriptions.has(subscriptionId)) {
    return answer('gone')
  }
  if (delivery === undefined && named !== undefined) return answer('taken')
  if (row === undefined) return recordLost(one)
  clearLostClaims(state, row)
  return recordLive(one, row)
}

function answer(
  result: Recorded['result'],
  delivery: DeliveryRecord | null = null,
  attempt: AttemptRecord | null = null,
): Recorded {
  return Object.freeze({ result, delivery, attempt })
}

function recordLive(one: Case, row: QueueRow): Recorded {
  const { state, tenant, event, outcome } = one
  const { attempt, next } = outcome
  if (
    one.delivery === undefined &&
    attempt !== null &&
    (next.state === 'succeeded' || next.state === 'failed')
  ) {
    // The common case, in one step: what ends with its first attempt is written once.
    const { status, failure } = attempt
    const reason = next.state === 'failed' ? next.reason : null
    const ended = { state: next.state, reason, lastStatus: status, lastFailure: failure }
    const delivery = insertDelivery(state, tenant, event, outcome.delivery, ended)
    return answer('recorded', delivery, storeAttempt(tenant, delivery, attempt, 1, false))
  }
  if (one.delivery !== undefined) {
    if (outcome.attempt === null && row.task.kind === 'event') return answer('repeated', one.delivery)
    if (isEnded(one.delivery.state)) return addLate(one, one.delivery)
  }
  const delivery = one.delivery ?? insertDelivery(state, tenant, event, outcome.delivery)
  const attempted = addAttempt(one, delivery, false)
  return answer('recorded', applyNext(one, attempted.delivery), attempted.attempt)
}

/** The claim was lost: only a success still counts. */
function recordLost(one: Case): Recorded {
  const { state, tenant, event, outcome } = one
  const succeeded = outcome.attempt !== null && outcome.next.state === 'succeeded'
  if (one.delivery === undefined && !succeeded) return answer('late')
  const delivery = one.delivery ?? insertDelivery(state, tenant, event, outcome.delivery)
  if (!succeeded || isEnded(delivery.state)) return addLate(one, delivery)
  const attempted = addAttempt(one, delivery, true)
  const ended = endDelivery(state, tenant, attempted.delivery, { state: 'succeeded' })
  return Object.freeze({ result: 'late', delivery: ended, attempt: attempted.attempt, ended: true })
}

/** Adds the attempt, if there is one, to a delivery that it cannot change any more. */
function addLate(one: Case, delivery: DeliveryRecord): Recorded {
  const attempted = addAttempt(one, delivery, true)
  return answer('late', attempted.delivery, attempted.attempt)
}

function addAttempt(
  { state, tenant, outcome }: Case,
  delivery: DeliveryRecord,
  late: boolean,
): { readonly delivery: DeliveryRecord; readonly attempt: AttemptRecord | null } {
  if (outcome.attempt === null) return { delivery, attempt: null }
  const attempt = storeAttempt(tenant, delivery, outcome.attempt, delivery.attemptCount + 1, late)
  const counted = changeDelivery(tenant, delivery, {
    attemptCount: attempt.number,
    lastStatus: attempt.status,
    lastFailure: attempt.failure,
    updatedAt: state.clock.now(),
  })
  return { delivery: counted, attempt }
}

function storeAttempt(
  tenant: Tenant,
  delivery: DeliveryRecord,
  input: NewAttempt,
  number: number,
  late: boolean,
): AttemptRecord {
  const attempt = Object.freeze(attemptRecord(input, delivery, delivery.id, number, late))
  tenant.attempts.set(attempt.id, attempt)
  const ofDelivery = tenant.attemptsOfDelivery.get(delivery.id)
  if (ofDelivery === undefined) tenant.attemptsOfDelivery.set(delivery.id, [attempt.id])
  else ofDelivery.push(attempt.id)
  return attempt
}

function applyNext(one: Case, delivery: DeliveryRecord): DeliveryRecord {
  const { state, tenant, outcome } = one
  const { next } = outcome
  switch (next.state) {
    case 'succeeded':
    case 'cancelled':
      return endDelivery(state, tenant, delivery, { state: next.state })
    case 'failed':
      return endDelivery(state, tenant, delivery, { state: next.state, reason: next.reason })
    case 'pending':
    case 'held':
      return keepPending(one, delivery, next)
  }
}

function keepPending(
  { state, tenant, event }: Case,
  delivery: DeliveryRecord,
  next: Extract<Next, { state: 'pending' | 'held' }>,
): DeliveryRecord {
  const now = state.clock.now()
  const held = next.state === 'held' && (next.always || !isActive(tenant, delivery.subscriptionId))
  const dueAt = next.state === 'pending' ? now + next.delayMs : now
  const row = tenant.rowOfDelivery.get(delivery.id)
  if (row === undefined) {
    const { id: deliveryId, eventId, subscriptionId } = delivery
    const task = { kind: 'delivery', eventId, deliveryId, subscriptionId } as const
    addRow(state, { tenant, event, task, dueAt, held, trigger: next.trigger })
  } else {
    setTrigger(row, next.trigger)
    setReleased(row, false)
    endClaim(row)
    if (held) holdRow(state, row)
    else dueRow(state, row, dueAt)
  }
  return changeDelivery(tenant, delivery, { held, nextAttemptAt: held ? null : dueAt, updatedAt: now })
}

function isActive(tenant: Tenant, subscriptionId: string | null): boolean {
  return subscriptionId === null || tenant.subscriptions.get(subscriptionId)?.state === 'active'
}
