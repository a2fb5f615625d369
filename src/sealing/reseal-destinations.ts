/** Brings the one-use destinations of pending deliveries under the current key. One whose delivery ends meanwhile stays erased. */
import { isPosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { DeliveryPlace, DestinationChange, PendingDestination } from '../queries.ts'
import { destinationContext } from '../sealing.ts'
import { type ResealCount, sealedAnew } from './resealed.ts'

const PAGE = 500
/** Destinations that are opened at once, and replaced in one step. */
const BATCH = 20

/** Goes over all that wait, page by page. */
export async function resealDestinations({ store, sealer, report }: Parts): Promise<ResealCount> {
  const counts = { looked: 0, resealed: 0, unreadable: 0 }

  /** Null when it is under the current key already, or when no key opens it. */
  async function changeOf(place: PendingDestination): Promise<DestinationChange | null> {
    const { tenantId, deliveryId, destination: from } = place
    try {
      const to = await sealedAnew(sealer, from, destinationContext(tenantId))
      return to === from ? null : { tenantId, deliveryId, from, to }
    } catch (cause) {
      if (!isPosthornError(cause, 'SECRET_UNREADABLE')) throw cause
      counts.unreadable++
      report.problem('reseal', cause)
      return null
    }
  }

  let after: DeliveryPlace | null = null
  do {
    const page: Awaited<ReturnType<typeof store.listDestinations>> = await store.listDestinations({
      after,
      limit: PAGE,
    })
    counts.looked += page.destinations.length
    for (let start = 0; start < page.destinations.length; start += BATCH) {
      const batch = await Promise.all(page.destinations.slice(start, start + BATCH).map(changeOf))
      counts.resealed += await store.replaceDestinations(batch.filter((change) => change !== null))
    }
    after = page.next
  } while (after !== null)
  return counts
}
