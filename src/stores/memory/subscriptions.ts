/** Subscription rows, their guarded updates, and the tenant version that tells caches of a change. */
import type { TenantScope } from '../../model.ts'
import type { DeletedSubscription } from '../../queries.ts'
import type { DeliveryRecord, NewSubscription, SubscriptionPatch, SubscriptionRecord } from '../../records.ts'
import { fitsGuard, onlyCondition, patched, type SubscriptionGuard } from '../subscription.ts'
import { endDelivery } from './deliveries.ts'
import { bumpVersion, type State, stamp, type Tenant, tenantOf, tenantsIn } from './state.ts'
import { compareBytes, frozenCopy } from './values.ts'

/** `Store.insertSubscription`. */
export function insertSubscription(
  state: State,
  input: NewSubscription,
  limits: { perTenant?: number } = {},
): SubscriptionRecord | null | 'limit' {
  const known = state.tenants.get(input.tenantId)
  if (known?.subscriptions.has(input.id)) return null
  if (limits.perTenant !== undefined && (known?.subscriptions.size ?? 0) >= limits.perTenant) return 'limit'
  const tenant = tenantOf(state, input.tenantId)
  const createdAt = stamp(state)
  const subscription = frozenCopy({
    ...input,
    secrets: input.secrets.map(({ value }) => ({ value, createdAt, expiresAt: null })),
    createdAt,
    updatedAt: createdAt,
    revision: 1,
  })
  tenant.subscriptions.set(subscription.id, subscription)
  tenant.sortedIds = null
  bumpVersion(state, tenant)
  return subscription
}

/** The tenant in scope that has this subscription, and the subscription. */
function find(
  state: State,
  scope: TenantScope,
  id: string,
): { readonly tenant: Tenant; readonly subscription: SubscriptionRecord } | null {
  for (const tenant of tenantsIn(state, scope)) {
    const subscription = tenant.subscriptions.get(id)
    if (subscription !== undefined) return { tenant, subscription }
  }
  return null
}

/** `Store.getSubscription`. */
export function getSubscription(state: State, scope: TenantScope, id: string): SubscriptionRecord | null {
  return find(state, scope, id)?.subscription ?? null
}

/** `Store.updateSubscription`. */
export function updateSubscription(
  state: State,
  scope: TenantScope,
  id: string,
  patch: SubscriptionPatch,
  guard: SubscriptionGuard = {},
): SubscriptionRecord | null | 'conflict' {
  const found = find(state, scope, id)
  if (found === null) return null
  const { tenant, subscription } = found
  if (!fitsGuard(subscription, guard)) return 'conflict'
  const changed = frozenCopy(patched(subscription, patch, state.clock.now()))
  tenant.subscriptions.set(id, changed)
  if (!onlyCondition(patch)) bumpVersion(state, tenant)
  return changed
}

/** `Store.deleteSubscription`. */
export function deleteSubscription(state: State, scope: TenantScope, id: string): DeletedSubscription | null {
  const found = find(state, scope, id)
  if (found === null) return null
  const { tenant, subscription } = found
  const cancelled: DeliveryRecord[] = []
  for (const row of [...(tenant.lanes.get(id)?.rows ?? [])]) {
    const delivery = row.task.kind === 'delivery' ? tenant.deliveries.get(row.task.deliveryId) : undefined
    if (delivery !== undefined) cancelled.push(endDelivery(state, tenant, delivery, { state: 'cancelled' }))
  }
  tenant.lanes.delete(id)
  tenant.buckets.delete(id)
  tenant.subscriptions.delete(id)
  tenant.sortedIds = null
  bumpVersion(state, tenant)
  return { subscription, cancelled }
}

/** `Store.snapshot`. */
export function snapshot(
  state: State,
  tenantId: string,
  range: { readonly after: string | null; readonly upTo: string | null; readonly limit: number },
): { version: number; subscriptions: readonly SubscriptionRecord[]; more: boolean } {
  const tenant = state.tenants.get(tenantId)
  if (tenant === undefined) return { version: 0, subscriptions: [], more: false }
  const ids = sortedIds(tenant)
  const { after, upTo, limit } = range
  const start = after === null ? 0 : firstAfter(ids, after)
  const end = upTo === null ? ids.length : firstAfter(ids, upTo)
  const subscriptions = ids
    .slice(start, Math.min(end, start + limit))
    .flatMap((id) => tenant.subscriptions.get(id) ?? [])
  return { version: tenant.version, subscriptions, more: end > start + limit }
}

function sortedIds(tenant: Tenant): readonly string[] {
  tenant.sortedIds ??= [...tenant.subscriptions.keys()].sort(compareBytes)
  return tenant.sortedIds
}

/** Index of the first id after the given one. */
function firstAfter(ids: readonly string[], bound: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareBytes(ids[middle] ?? '', bound) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
