/** Reads rows for people: one by id, or pages of them, newest first. */

import type {
  AttemptFilter,
  DeliveryFilter,
  EventFilter,
  Page,
  Rows,
  SubscriptionFilter,
} from '../../lists.ts'
import type { TenantScope } from '../../model.ts'
import { matchesPattern } from '../../patterns.ts'
import type { AttemptRecord, DeliveryRecord, EventRecord, SubscriptionRecord } from '../../records.ts'
import { type State, type Tenant, tenantsIn } from './state.ts'
import { compareBytes } from './values.ts'

/** `Store.getEvent`. */
export function getEvent(state: State, scope: TenantScope, id: string): EventRecord | null {
  for (const tenant of tenantsIn(state, scope)) {
    const event = tenant.events.get(id)
    if (event !== undefined) return event
  }
  return null
}

/** The tenant in scope that has this delivery, by id or number, and the delivery. */
export function findDelivery(
  state: State,
  scope: TenantScope,
  id: string | number,
): { readonly tenant: Tenant; readonly delivery: DeliveryRecord } | null {
  for (const tenant of tenantsIn(state, scope)) {
    const key = typeof id === 'number' ? tenant.deliveryOfNumber.get(id) : id
    const delivery = key === undefined ? undefined : tenant.deliveries.get(key)
    if (delivery !== undefined) return { tenant, delivery }
  }
  return null
}

/** `Store.listSubscriptions`. */
export function listSubscriptions(
  state: State,
  filter: SubscriptionFilter,
  page: Page,
): Rows<SubscriptionRecord> {
  const rows = tenantsIn(state, filter.tenant)
    .flatMap((tenant) => [...tenant.subscriptions.values()])
    .filter((row) => filter.state === undefined || row.state === filter.state)
    .filter(({ events }) => wants(events, filter.eventType))
    .filter(({ metadata }) => hasAll(metadata, filter.metadata ?? {}))
  return pageOf(rows, (row) => row.createdAt, page)
}

function wants(events: readonly string[], type: string | undefined): boolean {
  return type === undefined || events.some((pattern) => pattern === type || matchesPattern(pattern, type))
}

function hasAll(
  metadata: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  )
}

/** `Store.listEvents`. */
export function listEvents(state: State, filter: EventFilter, page: Page): Rows<EventRecord> {
  const rows = tenantsIn(state, filter.tenant)
    .flatMap((tenant) => [...tenant.events.values()])
    .filter((row) => isSame(row.type, filter.type) && isWithin(row.publishedAt, filter))
  return pageOf(rows, (row) => row.publishedAt, page)
}

/** `Store.listDeliveries`. */
export function listDeliveries(state: State, filter: DeliveryFilter, page: Page): Rows<DeliveryRecord> {
  const rows = tenantsIn(state, filter.tenant)
    .flatMap((tenant) => deliveriesIn(tenant, filter))
    .filter((row) => isSame(row.subscriptionId, filter.subscriptionId) && isSame(row.eventId, filter.eventId))
    .filter((row) => isSame(row.eventType, filter.type) && isSame(row.state, filter.state))
    .filter((row) => isWithin(row.createdAt, filter))
  return pageOf(rows, (row) => row.createdAt, page)
}

/** `Store.listAttempts`. */
export function listAttempts(state: State, filter: AttemptFilter, page: Page): Rows<AttemptRecord> {
  const rows = tenantsIn(state, filter.tenant)
    .flatMap((tenant) => attemptsIn(tenant, filter))
    .filter((row) => isSame(row.subscriptionId, filter.subscriptionId) && isSame(row.eventId, filter.eventId))
    .filter((row) => isSame(row.deliveryId, filter.deliveryId) && isSame(row.eventType, filter.type))
    .filter((row) => isWithin(row.startedAt, filter))
  return pageOf(rows, (row) => row.startedAt, page)
}

type Narrow = Pick<AttemptFilter, 'subscriptionId' | 'eventId' | 'deliveryId'>

/** The ids of the deliveries that the narrowest index gives; null when there is none to use. */
function narrowed(tenant: Tenant, { deliveryId, eventId, subscriptionId }: Narrow): readonly string[] | null {
  if (deliveryId !== undefined) return [deliveryId]
  if (eventId !== undefined) return [...(tenant.deliveriesOfEvent.get(eventId)?.values() ?? [])]
  if (subscriptionId !== undefined) return [...(tenant.deliveriesOfSubscription.get(subscriptionId) ?? [])]
  return null
}

function deliveriesIn(tenant: Tenant, filter: Narrow): readonly DeliveryRecord[] {
  const ids = narrowed(tenant, filter)
  if (ids === null) return [...tenant.deliveries.values()]
  return ids.flatMap((id) => tenant.deliveries.get(id) ?? [])
}

function attemptsIn(tenant: Tenant, filter: Narrow): readonly AttemptRecord[] {
  const ids = narrowed(tenant, filter)
  if (ids === null) return [...tenant.attempts.values()]
  return ids
    .flatMap((id) => tenant.attemptsOfDelivery.get(id) ?? [])
    .flatMap((id) => tenant.attempts.get(id) ?? [])
}

function isSame<Value>(value: Value, wanted: Value | undefined): boolean {
  return wanted === undefined || value === wanted
}

function isWithin(
  at: number,
  { since, until }: { readonly since?: number; readonly until?: number },
): boolean {
  return (since === undefined || at >= since) && (until === undefined || at < until)
}

/** Sorts by (instant, id) and cuts out the page. */
export function pageOf<Row extends { readonly id: string }>(
  all: readonly Row[],
  instant: (row: Row) => number,
  page: Page,
): Rows<Row> {
  const direction = page.order === 'oldest' ? 1 : -1
  const compare = (at: number, id: string, other: { readonly at: number; readonly id: string }) =>
    direction * (at - other.at || compareBytes(id, other.id))
  const { after } = page
  const start = page.offset ?? 0
  const rows = (
    after === undefined ? [...all] : all.filter((row) => compare(instant(row), row.id, after) > 0)
  )
    .sort((a, b) => compare(instant(a), a.id, { at: instant(b), id: b.id }))
    .slice(start, start + page.limit)
  return { rows, total: page.total === true ? all.length : null }
}
