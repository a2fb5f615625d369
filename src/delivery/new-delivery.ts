/** The delivery that a subscription is owed of an event, before it is stored. */
import type { Parts } from '../parts.ts'
import type { EventRecord, NewDelivery, SubscriptionRecord } from '../records.ts'
import type { Shape } from './shape.ts'

export function newDelivery(
  event: Pick<EventRecord, 'test'>,
  subscription: Pick<SubscriptionRecord, 'id'>,
  { body, headers }: Shape,
  { ids, maxAgeMs }: Pick<Parts, 'ids' | 'maxAgeMs'>,
): NewDelivery {
  const { id: subscriptionId } = subscription
  return { id: ids.delivery(), subscriptionId, destination: null, body, headers, test: event.test, maxAgeMs }
}
