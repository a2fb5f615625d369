/** The delivery that a subscription is owed of an event, before it is stored. */
import type { Parts } from '../parts.ts'
import type { EventRecord, NewDelivery, SubscriptionRecord } from '../records.ts'

export function newDelivery(
  event: EventRecord,
  subscription: SubscriptionRecord,
  { ids, maxAgeMs }: Pick<Parts, 'ids' | 'maxAgeMs'>,
): NewDelivery {
  return {
    id: ids.delivery(),
    subscriptionId: subscription.id,
    destination: null,
    body: null,
    headers: null,
    test: event.test,
    maxAgeMs,
  }
}
