/** Delivery rows: how they are made, changed and ended. An ended one never changes but by redeliver. */
import type { DeliveryState, FailureReason } from '../../model.ts'
import type { DeliveryRecord, EventRecord, NewDelivery } from '../../records.ts'
import { removeRow } from './rows.ts'
import type { State, Tenant } from './state.ts'
import { frozenCopy } from './values.ts'

/** Replaces a delivery row by one with these fields changed. */
export function changeDelivery(
  tenant: Tenant,
  delivery: DeliveryRecord,
  change: Partial<DeliveryRecord>,
): DeliveryRecord {
  const next = Object.freeze({ ...delivery, ...change })
  tenant.deliveries.set(next.id, next)
  return next
}

/** What a delivery is born with when its first attempt has been made already. */
export interface FirstOutcome {
  readonly state: DeliveryState
  readonly reason: FailureReason | null
  readonly status: number | null
  readonly failure: DeliveryRecord['lastFailure']
}

/** Inserts a delivery without a queue row, pending unless it ended at once; the event must have none for this subscription. */
export function insertDelivery(
  state: State,
  tenant: Tenant,
  event: EventRecord,
  input: NewDelivery,
  first?: FirstOutcome,
): DeliveryRecord {
  const now = state.clock.now()
  state.counters.delivery += 1
  const delivery: DeliveryRecord = Object.freeze({
    id: input.id,
    number: state.counters.delivery,
    tenantId: tenant.id,
    eventId: event.id,
    eventType: event.type,
    subscriptionId: input.subscriptionId,
    destination: first === undefined ? input.destination : null,
    body: input.body,
    headers: frozenCopy(input.headers),
    state: first?.state ?? 'pending',
    reason: first?.reason ?? null,
    test: input.test,
    attemptCount: first === undefined ? 0 : 1,
    roundStart: 0,
    lastStatus: first?.status ?? null,
    lastFailure: first?.failure ?? null,
    createdAt: now,
    updatedAt: now,
    endedAt: first === undefined ? null : now,
    nextAttemptAt: null,
    held: false,
    expiresAt: event.dueAt + input.maxAgeMs,
  })
  index(tenant, delivery)
  return delivery
}

function index(tenant: Tenant, delivery: DeliveryRecord): void {
  const { id, eventId, subscriptionId } = delivery
  tenant.deliveries.set(id, delivery)
  tenant.deliveryOfNumber.set(delivery.number, id)
  const ofEvent = tenant.deliveriesOfEvent.get(eventId)
  if (ofEvent === undefined) tenant.deliveriesOfEvent.set(eventId, new Map([[subscriptionId, id]]))
  else ofEvent.set(subscriptionId, id)
  if (subscriptionId === null) return
  const ofSubscription = tenant.deliveriesOfSubscription.get(subscriptionId)
  if (ofSubscription === undefined) tenant.deliveriesOfSubscription.set(subscriptionId, new Set([id]))
  else ofSubscription.add(id)
}

/** The event's delivery for this subscription (null: its one-use destination). */
export function deliveryFor(
  tenant: Tenant,
  eventId: string,
  subscriptionId: string | null,
): DeliveryRecord | undefined {
  const id = tenant.deliveriesOfEvent.get(eventId)?.get(subscriptionId)
  return id === undefined ? undefined : tenant.deliveries.get(id)
}

/** Ends a pending delivery and removes its queue row, so that a claim of it is lost. */
export function endDelivery(
  state: State,
  tenant: Tenant,
  delivery: DeliveryRecord,
  end: { readonly state: Exclude<DeliveryState, 'pending'>; readonly reason?: FailureReason },
): DeliveryRecord {
  const row = tenant.rowOfDelivery.get(delivery.id)
  if (row !== undefined) removeRow(state, row)
  const now = state.clock.now()
  return changeDelivery(tenant, delivery, {
    state: end.state,
    reason: end.reason ?? null,
    destination: null,
    nextAttemptAt: null,
    held: false,
    endedAt: now,
    updatedAt: now,
  })
}
