/** Holding and releasing, expiring, cancelling, opening again. */
import { isEnded, type TenantScope, type Trigger } from '../../model.ts'
import type { Released, ReleaseRequest } from '../../queries.ts'
import type { DeliveryRecord } from '../../records.ts'
import { changeDelivery, endDelivery } from './deliveries.ts'
import { findDelivery } from './lists.ts'
import { showDueTime } from './queue.ts'
import { addRow, dueRow, holdRow, isFree, setReleased, setTrigger } from './rows.ts'
import type { Lane, QueueRow, State, Tenant } from './state.ts'
import { compareBytes } from './values.ts'

/** `Store.hold`. */
export function hold(state: State, tenantId: string, subscriptionId: string, limit: number): number {
  const now = state.clock.now()
  const lane = state.tenants.get(tenantId)?.lanes.get(subscriptionId)
  if (lane === undefined) return 0
  const rows: QueueRow[] = []
  for (const row of lane.rows) {
    if (rows.length >= limit) break
    if (!row.held && isFree(row, now)) rows.push(row)
  }
  for (const row of rows) {
    holdRow(state, row)
    showDueTime(row)
  }
  return rows.length
}

/** `Store.release`. */
export function release(state: State, request: ReleaseRequest): Released {
  const tenant = state.tenants.get(request.tenantId)
  const lane = tenant?.lanes.get(request.subscriptionId)
  if (tenant === undefined || lane === undefined) return { released: 0, more: false, nextAt: null }
  const now = state.clock.now()
  const own = bucketOf(tenant, request.subscriptionId, request.rate, now)
  const shared = bucketOf(tenant, WHOLE_TENANT, request.tenant?.rate, now)
  const room = Math.min(
    request.limit,
    freeSlots(request.slots, () => lane.released),
    freeSlots(request.tenant?.slots, () => releasedOf(tenant)),
    Math.floor(own.tokens),
    Math.floor(shared.tokens),
  )
  const rows = releasable(tenant, lane, request.ordering, Math.max(0, room))
  for (const row of rows) releaseRow(state, row, request.trigger, now)
  const times = [own, shared].flatMap((bucket) => bucket.take(rows.length) ?? [])
  return {
    released: rows.length,
    more: lane.held.size > 0,
    nextAt: times.length === 0 ? null : Math.max(...times),
  }
}

function freeSlots(slots: number | undefined, taken: () => number): number {
  return slots === undefined ? Number.POSITIVE_INFINITY : slots - taken()
}

function releasedOf(tenant: Tenant): number {
  return [...tenant.lanes.values()].reduce((sum, lane) => sum + lane.released, 0)
}

function releaseRow(state: State, row: QueueRow, trigger: Trigger | undefined, now: number): void {
  if (trigger !== undefined) setTrigger(row, trigger)
  setReleased(row, true)
  dueRow(state, row, now)
  showDueTime(row)
}

/** Where a tenant's own bucket stands among those of its subscriptions, whose ids are never empty. */
const WHOLE_TENANT = ''

/** A token bucket at this instant; `take` stores it and says when it has its next token, null where there is no rate. */
function bucketOf(tenant: Tenant, key: string, rate: ReleaseRequest['rate'], now: number) {
  if (rate === undefined) return { tokens: Number.POSITIVE_INFINITY, take: () => null }
  const bucket = tenant.buckets.get(key)
  // The margin keeps a token that is due at exactly this instant from being lost to rounding.
  const refilled =
    bucket === undefined
      ? rate.count
      : bucket.tokens + (Math.max(0, now - bucket.at) * rate.count) / rate.perMs + 1e-9
  const tokens = Math.min(rate.count, refilled)
  return {
    tokens,
    take(count: number) {
      const left = tokens - count
      tenant.buckets.set(key, { tokens: left, at: now })
      return left >= 1 ? now : now + ((1 - left) * rate.perMs) / rate.count
    },
  }
}

/** The held rows that may go, lowest position first. */
function releasable(
  tenant: Tenant,
  lane: Lane,
  ordering: ReleaseRequest['ordering'],
  room: number,
): readonly QueueRow[] {
  if (room === 0) return []
  const held = [...lane.held.values()].sort(byPosition)
  if (ordering === 'none') return held.slice(0, room)
  const firsts = new Map<string | null, QueueRow>()
  for (const row of [...lane.rows, ...tenant.eventRows]) {
    if (!row.inOrder) continue
    const key = orderingKeyOf(row, ordering)
    const first = firsts.get(key)
    if (first === undefined || byPosition(row, first) < 0) firsts.set(key, row)
  }
  return held
    .filter((row) => isUnordered(row, ordering) || firsts.get(orderingKeyOf(row, ordering)) === row)
    .slice(0, room)
}

function orderingKeyOf(row: QueueRow, ordering: ReleaseRequest['ordering']): string | null {
  return ordering === 'key' ? row.orderingKey : null
}

/** What is outside the order waits for no other; nor does an event without a key where order is kept by key. */
function isUnordered(row: QueueRow, ordering: ReleaseRequest['ordering']): boolean {
  return !row.inOrder || (ordering === 'key' && row.orderingKey === null)
}

/** By position; at the same one the delivery comes before its own event row, which never blocks it. */
function byPosition(a: QueueRow, b: QueueRow): number {
  return (
    a.position.dueAt - b.position.dueAt ||
    a.position.sequence - b.position.sequence ||
    Number(a.task.kind === 'event') - Number(b.task.kind === 'event')
  )
}

/** `Store.listHeld`. */
export function listHeld(
  state: State,
  page: {
    readonly after: { readonly tenantId: string; readonly subscriptionId: string } | null
    readonly limit: number
  },
): readonly { readonly tenantId: string; readonly subscriptionId: string; readonly count: number }[] {
  const { after, limit } = page
  return [...state.tenants.values()]
    .flatMap((tenant) => [...tenant.lanes.values()])
    .flatMap(({ tenant, subscriptionId, held }) =>
      subscriptionId === null || held.size === 0
        ? []
        : [{ tenantId: tenant.id, subscriptionId, count: held.size }],
    )
    .filter((entry) => after === null || compareHeld(entry, after) > 0)
    .sort(compareHeld)
    .slice(0, limit)
}

type HeldKey = { readonly tenantId: string; readonly subscriptionId: string }

function compareHeld(a: HeldKey, b: HeldKey): number {
  return compareBytes(a.tenantId, b.tenantId) || compareBytes(a.subscriptionId, b.subscriptionId)
}

/** `Store.expire`. */
export function expire(state: State, limit: number): readonly DeliveryRecord[] {
  const now = state.clock.now()
  const expired: DeliveryRecord[] = []
  for (const row of state.rows.values()) {
    if (expired.length >= limit) break
    if (row.task.kind !== 'delivery' || !isFree(row, now)) continue
    const delivery = row.tenant.deliveries.get(row.task.deliveryId)
    if (delivery === undefined || delivery.expiresAt > now) continue
    expired.push(endDelivery(state, row.tenant, delivery, { state: 'failed', reason: 'expired' }))
  }
  return expired
}

interface CancelFilter {
  readonly tenantId: string
  readonly subscriptionId?: string
  readonly eventId?: string
  readonly deliveryId?: string
}

/** `Store.cancel`. */
export function cancel(state: State, filter: CancelFilter, limit: number): readonly DeliveryRecord[] {
  const tenant = state.tenants.get(filter.tenantId)
  if (tenant === undefined) return []
  const cancelled: DeliveryRecord[] = []
  for (const id of [...candidates(tenant, filter)]) {
    if (cancelled.length >= limit) break
    const delivery = tenant.deliveries.get(id)
    if (delivery === undefined || !isCancelled(delivery, filter)) continue
    cancelled.push(endDelivery(state, tenant, delivery, { state: 'cancelled' }))
  }
  return cancelled
}

function candidates(tenant: Tenant, { deliveryId, eventId }: CancelFilter): Iterable<string> {
  if (deliveryId !== undefined) return [deliveryId]
  if (eventId !== undefined) return tenant.deliveriesOfEvent.get(eventId)?.values() ?? []
  return tenant.rowOfDelivery.keys()
}

function isCancelled(delivery: DeliveryRecord, { subscriptionId, eventId }: CancelFilter): boolean {
  return (
    !isEnded(delivery.state) &&
    (subscriptionId === undefined || delivery.subscriptionId === subscriptionId) &&
    (eventId === undefined || delivery.eventId === eventId)
  )
}

/** `Store.redeliver`. */
export function redeliver(
  state: State,
  scope: TenantScope,
  deliveryId: string,
  options: { readonly trigger: Trigger; readonly maxAgeMs: number; readonly destination?: string },
): DeliveryRecord | null | 'pruned' {
  const found = findDelivery(state, scope, deliveryId)
  if (found === null) return null
  const { tenant, delivery } = found
  const event = tenant.events.get(delivery.eventId)
  if (event === undefined || event.body === null) return 'pruned'
  const now = state.clock.now()
  const row = tenant.rowOfDelivery.get(delivery.id)
  if (row !== undefined) return hurry(state, row, delivery, options.trigger)
  const { eventId, subscriptionId } = delivery
  const reopened = changeDelivery(tenant, delivery, {
    state: 'pending',
    reason: null,
    endedAt: null,
    roundStart: delivery.attemptCount,
    nextAttemptAt: now,
    updatedAt: now,
    expiresAt: now + options.maxAgeMs,
    destination: delivery.destination ?? options.destination ?? null,
  })
  const task = { kind: 'delivery', eventId, deliveryId: delivery.id, subscriptionId } as const
  addRow(state, { tenant, event, task, dueAt: now, trigger: options.trigger })
  return reopened
}

/** Makes a pending delivery due at once, unless it is claimed. */
function hurry(state: State, row: QueueRow, delivery: DeliveryRecord, trigger: Trigger): DeliveryRecord {
  if (row.token !== null) return delivery
  setTrigger(row, trigger)
  const now = state.clock.now()
  dueRow(state, row, now)
  return changeDelivery(row.tenant, delivery, { held: false, nextAttemptAt: now, updatedAt: now })
}
