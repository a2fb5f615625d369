/** The sealed one-use destinations of pending deliveries: the walk over them, and their exchange. */
import type { DeliveryPlace, DestinationChange, PendingDestination } from '../../queries.ts'
import { changeDelivery } from './deliveries.ts'
import type { State } from './state.ts'
import { compareBytes } from './values.ts'

/** `Store.listDestinations`. */
export function listDestinations(
  state: State,
  { after, limit }: { readonly after: DeliveryPlace | null; readonly limit: number },
): { readonly destinations: readonly PendingDestination[]; readonly next: DeliveryPlace | null } {
  const rest = pendingDestinations(state)
    .filter((place) => after === null || compare(place, after) > 0)
    .sort(compare)
  const destinations = rest.slice(0, limit)
  const last = destinations.at(-1)
  const isOver = last === undefined || rest.length === destinations.length
  return { destinations, next: isOver ? null : { tenantId: last.tenantId, deliveryId: last.deliveryId } }
}

function pendingDestinations(state: State): PendingDestination[] {
  return [...state.tenants.values()].flatMap((tenant) =>
    [...(tenant.lanes.get(null)?.rows ?? [])].flatMap(({ task }) => {
      if (task.kind !== 'delivery') return []
      const destination = tenant.deliveries.get(task.deliveryId)?.destination ?? null
      return destination === null ? [] : [{ tenantId: tenant.id, deliveryId: task.deliveryId, destination }]
    }),
  )
}

function compare(a: DeliveryPlace, b: DeliveryPlace): number {
  return compareBytes(a.tenantId, b.tenantId) || compareBytes(a.deliveryId, b.deliveryId)
}

/** `Store.replaceDestinations`. */
export function replaceDestinations(state: State, changes: readonly DestinationChange[]): number {
  return changes.filter(({ tenantId, deliveryId, from, to }) => {
    const tenant = state.tenants.get(tenantId)
    const delivery = tenant?.deliveries.get(deliveryId)
    if (tenant === undefined || delivery?.state !== 'pending' || delivery.destination !== from) return false
    changeDelivery(tenant, delivery, { destination: to })
    return true
  }).length
}
