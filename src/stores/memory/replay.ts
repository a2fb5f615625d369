/** Deliveries that an event gets after its fan-out: `Store.replay`. */
import type { ReplayEntry, Replayed } from '../../queries.ts'
import { changeDelivery, deliveryFor, insertDelivery } from './deliveries.ts'
import { addRow } from './rows.ts'
import type { State, Tenant } from './state.ts'

/** One entry of `Store.replay`. */
export function replay(state: State, tenantId: string, entry: ReplayEntry): Replayed {
  const tenant = state.tenants.get(tenantId)
  const event = tenant?.events.get(entry.eventId)
  const { subscriptionId, maxAgeMs } = entry.delivery
  if (tenant === undefined || event === undefined || subscriptionId === null) return null
  if (!tenant.subscriptions.has(subscriptionId)) return null
  if (deliveryFor(tenant, event.id, subscriptionId) !== undefined) return 'exists'
  if (isWaiting(tenant, event.id)) return 'waiting'
  if (event.body === null) return 'pruned'
  const now = state.clock.now()
  const inserted = insertDelivery(state, tenant, event, entry.delivery)
  const task = { kind: 'delivery', eventId: event.id, deliveryId: inserted.id, subscriptionId } as const
  addRow(state, { tenant, event, task, dueAt: now, trigger: 'manual' })
  return changeDelivery(tenant, inserted, { nextAttemptAt: now, expiresAt: now + maxAgeMs })
}

function isWaiting(tenant: Tenant, eventId: string): boolean {
  return [...tenant.eventRows].some(({ task }) => task.kind === 'event' && task.eventId === eventId)
}
