/** Rollups, pruning and erasing. What is undelivered is never pruned. */

import type { TenantFilter } from '../../lists.ts'
import { isEnded } from '../../model.ts'
import type { PruneRequest } from '../../queries.ts'
import type { DeliveryRecord, EventRecord, RollupRecord } from '../../records.ts'
import { sumOf } from '../rollup.ts'
import { changeDelivery } from './deliveries.ts'
import { removeRow } from './rows.ts'
import { bumpVersion, type State, type Tenant, tenantOf, tenantsIn } from './state.ts'
import { frozenCopy } from './values.ts'

/** `Store.addRollups`. */
export function addRollups(state: State, rollups: readonly RollupRecord[]): void {
  for (const rollup of rollups) {
    const rows = tenantOf(state, rollup.tenantId).rollups
    addTo(rows, `${bucketKey(rollup)}\u0000${rollup.slot}`, rollup)
  }
}

function bucketKey(rollup: RollupRecord): string {
  const { subscriptionId, eventType, bucketMs, bucketAt } = rollup
  return JSON.stringify([subscriptionId, eventType, bucketMs, bucketAt])
}

function addTo(rows: Map<string, RollupRecord>, key: string, rollup: RollupRecord): void {
  const before = rows.get(key)
  rows.set(key, frozenCopy(before === undefined ? rollup : { ...before, ...sumOf(before, rollup) }))
}

/** `Store.readRollups`. The slot of a sum is empty. */
export function readRollups(
  state: State,
  filter: {
    readonly tenant: TenantFilter
    readonly subscriptionId?: string
    readonly bucketMs: number
    readonly since: number
    readonly until: number
  },
): readonly RollupRecord[] {
  return tenantsIn(state, filter.tenant).flatMap((tenant) => {
    const sums = new Map<string, RollupRecord>()
    for (const rollup of tenant.rollups.values()) {
      const { bucketAt, bucketMs, subscriptionId } = rollup
      if (bucketMs !== filter.bucketMs || bucketAt < filter.since || bucketAt >= filter.until) continue
      if (filter.subscriptionId !== undefined && subscriptionId !== filter.subscriptionId) continue
      addTo(sums, bucketKey(rollup), { ...rollup, slot: '' })
    }
    return [...sums.values()]
  })
}

/** `Store.pruneRollups`. */
export function pruneRollups(
  state: State,
  { bucketMs, ageMs, limit }: { readonly bucketMs: number; readonly ageMs: number; readonly limit: number },
): number {
  const before = state.clock.now() - ageMs
  let removed = 0
  for (const { rollups } of state.tenants.values()) {
    for (const [key, rollup] of rollups) {
      if (removed >= limit) return removed
      if (rollup.bucketMs !== bucketMs || rollup.bucketAt >= before) continue
      rollups.delete(key)
      removed += 1
    }
  }
  return removed
}

/** `Store.prune`. */
export function prune(
  state: State,
  request: PruneRequest,
): { readonly events: number; readonly bodies: number; readonly keys: number } {
  const now = state.clock.now()
  const counts = { events: 0, bodies: 0, keys: 0 }
  let left = request.limit
  for (const tenant of state.tenants.values()) {
    const waiting = waitingEvents(tenant)
    for (const event of tenant.events.values()) {
      if (left <= 0) return counts
      const finishedAt = waiting.has(event.id) ? null : finishedAtOf(tenant, event)
      if (finishedAt === null) continue
      if (pruneEvent(tenant, event, request, { now, finishedAt }, counts)) left -= 1
    }
  }
  return counts
}

/** Events whose fan-out is not complete. */
function waitingEvents(tenant: Tenant): ReadonlySet<string> {
  return new Set([...tenant.eventRows].flatMap(({ task }) => (task.kind === 'event' ? [task.eventId] : [])))
}

/** When the last of the event's deliveries ended; null while one is pending. */
function finishedAtOf(tenant: Tenant, event: EventRecord): number | null {
  let finishedAt = event.dueAt
  for (const delivery of deliveriesOf(tenant, event.id)) {
    if (!isEnded(delivery.state) || delivery.endedAt === null) return null
    finishedAt = Math.max(finishedAt, delivery.endedAt)
  }
  return finishedAt
}

function deliveriesOf(tenant: Tenant, eventId: string): readonly DeliveryRecord[] {
  const ids = tenant.deliveriesOfEvent.get(eventId)?.values() ?? []
  return [...ids].flatMap((id) => tenant.deliveries.get(id) ?? [])
}

function pruneEvent(
  tenant: Tenant,
  event: EventRecord,
  request: PruneRequest,
  { now, finishedAt }: { readonly now: number; readonly finishedAt: number },
  counts: { events: number; bodies: number; keys: number },
): boolean {
  if (isOld(finishedAt, request.finishedAgeMs, now)) {
    removeEvent(tenant, event)
    counts.events += 1
    return true
  }
  const bodyless = event.body !== null && isOld(finishedAt, request.bodyAgeMs, now)
  if (bodyless) {
    removeBodies(tenant, event)
    counts.bodies += 1
  }
  const keyless = event.idempotencyKey !== null && isOld(event.publishedAt, request.keyAgeMs, now)
  if (keyless) {
    removeKey(tenant, event.id)
    counts.keys += 1
  }
  return bodyless || keyless
}

function isOld(at: number, ageMs: number | undefined, now: number): boolean {
  return ageMs !== undefined && at <= now - ageMs
}

function removeBodies(tenant: Tenant, event: EventRecord): void {
  tenant.events.set(event.id, Object.freeze({ ...event, body: null }))
  for (const delivery of deliveriesOf(tenant, event.id)) {
    if (delivery.body !== null) changeDelivery(tenant, delivery, { body: null })
    for (const id of tenant.attemptsOfDelivery.get(delivery.id) ?? []) {
      const attempt = tenant.attempts.get(id)
      if (attempt !== undefined) tenant.attempts.set(id, Object.freeze({ ...attempt, excerpt: null }))
    }
  }
}

function removeKey(tenant: Tenant, eventId: string): void {
  const event = tenant.events.get(eventId)
  if (event === undefined || event.idempotencyKey === null) return
  tenant.eventOfKey.delete(event.idempotencyKey)
  tenant.events.set(eventId, Object.freeze({ ...event, idempotencyKey: null }))
}

/** Removes the event with its deliveries and attempts; none of them may have a queue row. */
function removeEvent(tenant: Tenant, event: EventRecord): void {
  for (const delivery of deliveriesOf(tenant, event.id)) {
    for (const id of tenant.attemptsOfDelivery.get(delivery.id) ?? []) tenant.attempts.delete(id)
    tenant.attemptsOfDelivery.delete(delivery.id)
    tenant.deliveries.delete(delivery.id)
    tenant.deliveryOfNumber.delete(delivery.number)
    removeFromSubscription(tenant, delivery)
  }
  tenant.deliveriesOfEvent.delete(event.id)
  if (event.idempotencyKey !== null) tenant.eventOfKey.delete(event.idempotencyKey)
  tenant.events.delete(event.id)
}

function removeFromSubscription(tenant: Tenant, { id, subscriptionId }: DeliveryRecord): void {
  if (subscriptionId === null) return
  const ids = tenant.deliveriesOfSubscription.get(subscriptionId)
  ids?.delete(id)
  if (ids?.size === 0) tenant.deliveriesOfSubscription.delete(subscriptionId)
}

/** `Store.eraseTenant`. */
export function eraseTenant(state: State, tenantId: string, limit: number): boolean {
  const tenant = state.tenants.get(tenantId)
  if (tenant === undefined) return true
  for (const lane of tenant.lanes.values()) {
    for (const row of [...lane.rows]) removeRow(state, row)
  }
  tenant.subscriptions.clear()
  tenant.sortedIds = null
  bumpVersion(state, tenant)
  for (const event of [...tenant.events.values()].slice(0, limit)) removeEvent(tenant, event)
  if (tenant.events.size > 0) return false
  state.tenants.delete(tenantId)
  return true
}
