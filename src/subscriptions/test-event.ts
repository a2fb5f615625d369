/** The event of `subscriptions.test`: real in every way, addressed to one subscription, marked as a test. */
import { serialise } from '../delivery/body.ts'
import { noteData } from '../delivery/event-data.ts'
import { newDelivery } from '../delivery/new-delivery.ts'
import { shapeOf, shapes, UNSHAPED } from '../delivery/shape.ts'
import type { Parts } from '../parts.ts'
import type { NewDelivery, NewEvent, SubscriptionRecord } from '../records.ts'

/** Builds it; the data is the catalogue's example of the type, or `{}`. */
export async function testEvent(
  subscription: SubscriptionRecord,
  type: string,
  pending: 'send' | 'drop',
  parts: Parts,
): Promise<NewEvent & { readonly addressee: NewDelivery }> {
  const id = parts.ids.event()
  const occurredAt = new Date(parts.clock.now())
  const data = parts.catalog?.has(type) ? parts.catalog.example(type) : {}
  const input = { id, type, tenantId: subscription.tenantId, data, occurredAt, metadata: {} }
  const wrapped = parts.envelope(input)
  const event = {
    id,
    tenantId: subscription.tenantId,
    type,
    body: serialise(wrapped, parts.maxBodyBytes).text,
    metadata: {},
    orderingKey: null,
    // What becomes of the backlog when its success lifts an automatic disabling.
    settings: { ...noteData(wrapped, data, parts.maxBodyBytes), pending },
    test: true,
    skipped: false,
    idempotencyKey: null,
    occurredAt: occurredAt.getTime(),
  }
  // What a transform would not send is sent as it is: a test that sends nothing shows nothing.
  const shape = shapes(parts) ? ((await shapeOf(event, subscription, parts)) ?? UNSHAPED) : UNSHAPED
  return { ...event, addressee: newDelivery(event, subscription, shape, parts) }
}
