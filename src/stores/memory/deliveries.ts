/** Delivery rows: how they are made, changed and ended. An ended one never changes but by redeliver. */
import type { DeliveryState, FailureReason } from '../../model.ts'
import type { DeliveryRecord, EventRecord, NewDelivery } from '../../records.ts'
import { deliveryRecord, type FirstEnd } from '../delivery.ts'
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

/** Inserts a delivery without a queue row, pending unless it ended at once; the event must have none for this subscription. */
export function insertDelivery(
  state: State,
  tenant: Tenant,
  event: EventRecord,
  input: NewDelivery,
  first: FirstEnd | null = null,
): DeliveryRecord {
  state.counters.delivery += 1
  const given = {
    number: state.counters.delivery,
    tenantId: tenant.id,
    eventId: event.id,
    eventType: event.type,
    headers: frozenCopy(input.headers),
    now: state.clock.now(),
    nextAttemptAt: null,
    expiresAt: event.dueAt + input.maxAgeMs,
  }
  const delivery = Object.freeze(deliveryRecord(input, given, first))
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
