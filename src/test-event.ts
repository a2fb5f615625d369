/** The event of `subscriptions.test`: real in every way, addressed to one subscription, marked as a test. */
import { serialise } from './delivery/body.ts'
import type { Parts } from './parts.ts'
import type { NewDelivery, NewEvent, SubscriptionRecord } from './records.ts'

/** Builds it; the data is the catalogue's example of the type, or `{}`. */
export function testEvent(
  subscription: Pick<SubscriptionRecord, 'id' | 'tenantId'>,
  type: string,
  pending: 'send' | 'drop',
  parts: Parts,
): NewEvent & { readonly addressee: NewDelivery } {
  const id = parts.ids.event()
  const occurredAt = new Date(parts.clock.now())
  const data = parts.catalog?.has(type) ? parts.catalog.example(type) : {}
  const input = { id, type, tenantId: subscription.tenantId, data, occurredAt, metadata: {} }
  return {
    id,
    tenantId: subscription.tenantId,
    type,
    body: serialise(parts.envelope(input), parts.maxBodyBytes).text,
    metadata: {},
    orderingKey: null,
    // What becomes of the backlog when its success lifts an automatic disabling.
    settings: { pending },
    test: true,
    skipped: false,
    idempotencyKey: null,
    occurredAt: occurredAt.getTime(),
    addressee: {
      id: parts.ids.delivery(),
      subscriptionId: subscription.id,
      destination: null,
      body: null,
      headers: null,
      test: true,
      maxAgeMs: parts.maxAgeMs,
    },
  }
}
