/** Deliveries that an event gets after its fan-out: `Store.replay`. */
import { PosthornError } from '../../errors.ts'
import type { ReplayEntry, Replayed } from '../../queries.ts'
import type { EventRecord } from '../../records.ts'
import { changeDelivery, deliveryFor, insertDelivery } from './deliveries.ts'
import { addRow } from './rows.ts'
import type { State, Tenant } from './state.ts'

/** Where an entry's delivery is to stand. */
interface Place {
  readonly tenant: Tenant
  readonly event: EventRecord
  readonly subscriptionId: string
}

/** `Store.replay`. */
export function replay(state: State, tenantId: string, entries: readonly ReplayEntry[]): readonly Replayed[] {
  refuseTaken(state, tenantId, entries)
  return entries.map((entry) => {
    const place = placeOf(state, tenantId, entry)
    return place === null || typeof place === 'string' ? place : insert(state, place, entry)
  })
}

/** An id of a delivery is never given twice. Looked at before anything is stored, so that nothing is. */
function refuseTaken(state: State, tenantId: string, entries: readonly ReplayEntry[]): void {
  const ids = new Set<string>()
  const given = new Set<string>()
  for (const entry of entries) {
    const { id } = entry.delivery
    const place = placeOf(state, tenantId, entry)
    if (place === null || typeof place === 'string') continue
    const key = JSON.stringify([place.event.id, place.subscriptionId])
    // The second of two for one subscription will find the first.
    if (given.has(key)) continue
    if (ids.has(id) || place.tenant.deliveries.has(id))
      throw new PosthornError(
        'CONFLICT',
        `The delivery id ${id} of a replay is taken. Nothing was stored: replay with a fresh one.`,
      )
    ids.add(id)
    given.add(key)
  }
}

/** Or why there is none. */
function placeOf(
  state: State,
  tenantId: string,
  { eventId, delivery: { subscriptionId } }: ReplayEntry,
): Place | Extract<Replayed, string | null> {
  const tenant = state.tenants.get(tenantId)
  const event = tenant?.events.get(eventId)
  if (tenant === undefined || event === undefined || subscriptionId === null) return null
  if (!tenant.subscriptions.has(subscriptionId)) return null
  if (deliveryFor(tenant, event.id, subscriptionId) !== undefined) return 'exists'
  if (isWaiting(tenant, event.id)) return 'waiting'
  return event.body === null ? 'pruned' : { tenant, event, subscriptionId }
}

function insert(state: State, { tenant, event, subscriptionId }: Place, { delivery }: ReplayEntry): Replayed {
  const now = state.clock.now()
  const inserted = insertDelivery(state, tenant, event, delivery)
  const task = { kind: 'delivery', eventId: event.id, deliveryId: inserted.id, subscriptionId } as const
  addRow(state, { tenant, event, task, dueAt: now, trigger: 'manual' })
  return changeDelivery(tenant, inserted, { nextAttemptAt: now, expiresAt: now + delivery.maxAgeMs })
}

function isWaiting(tenant: Tenant, eventId: string): boolean {
  return [...tenant.eventRows].some(({ task }) => task.kind === 'event' && task.eventId === eventId)
}
