/** Routes over events, deliveries and attempts. */
import { z } from 'zod/v4'
import { type Delivery, isPosthornError, type TenantScope } from '../../index.ts'
import { type ManagedWebhooks, route } from '../route.ts'
import { filterText, idText, pageOf, pageQuery, spanQuery } from '../schemas/field.ts'
import { attempt, delivery, event, eventSummary, newEvent, published } from '../schemas/history.ts'
import { described } from '../schemas/named.ts'

const byId = { id: idText() }
const type = described(filterText().optional(), 'Exact event type.')

/** A delivery may be named by its number, too; an id of digits only goes before. */
async function deliveryOf(
  { deliveries }: ManagedWebhooks,
  id: string,
  tenantId: TenantScope,
): Promise<Delivery> {
  try {
    return await deliveries.get(id, { tenantId })
  } catch (error) {
    if (!isPosthornError(error, 'NOT_FOUND') || !/^[1-9]\d{0,14}$/.test(id)) throw error
    return deliveries.get(Number(id), { tenantId })
  }
}

export const deliveryRoutes = [
  route({
    method: 'GET',
    path: '/deliveries',
    operationId: 'listDeliveries',
    summary: 'List deliveries, newest first',
    tag: 'Deliveries',
    role: 'read-only',
    query: {
      ...pageQuery,
      ...spanQuery,
      type,
      subscriptionId: filterText().optional(),
      eventId: filterText().optional(),
      state: z.enum(['pending', 'succeeded', 'failed', 'cancelled']).optional(),
    },
    body: null,
    status: 200,
    output: pageOf(delivery),
    call: ({ webhooks, scope, query }) => webhooks.deliveries.list({ ...query, tenantId: scope }),
  }),
  route({
    method: 'GET',
    path: '/deliveries/{id}',
    operationId: 'getDelivery',
    summary: 'Read a delivery, by id or number',
    tag: 'Deliveries',
    role: 'read-only',
    params: byId,
    body: null,
    status: 200,
    output: delivery,
    call: ({ webhooks, scope, params }) => deliveryOf(webhooks, params.id, scope),
  }),
  route({
    method: 'GET',
    path: '/deliveries/{id}/attempts',
    operationId: 'listAttemptsOfDelivery',
    summary: 'List the attempts of one delivery, newest first',
    tag: 'Attempts',
    role: 'read-only',
    params: byId,
    query: pageQuery,
    body: null,
    status: 200,
    output: pageOf(attempt),
    async call({ webhooks, scope, params, query }) {
      const { id, tenantId } = await deliveryOf(webhooks, params.id, scope)
      return webhooks.attempts.list({ ...query, tenantId, deliveryId: id })
    },
  }),
  route({
    method: 'POST',
    path: '/deliveries/{id}/redeliver',
    operationId: 'redeliver',
    summary: 'Deliver again: with the same webhook-id and a fresh signature',
    tag: 'Deliveries',
    role: 'tenant',
    params: byId,
    body: null,
    status: 202,
    output: delivery,
    async call({ webhooks, scope, params }) {
      const { id, tenantId } = await deliveryOf(webhooks, params.id, scope)
      return webhooks.deliveries.redeliver(id, { tenantId })
    },
  }),
  route({
    method: 'POST',
    path: '/deliveries/{id}/cancel',
    operationId: 'cancelDelivery',
    summary: 'Cancel a pending delivery',
    tag: 'Deliveries',
    role: 'tenant',
    params: byId,
    body: null,
    status: 200,
    output: delivery,
    async call({ webhooks, scope, params }) {
      const { id, tenantId } = await deliveryOf(webhooks, params.id, scope)
      return webhooks.deliveries.cancel(id, { tenantId })
    },
  }),
]

export const attemptRoutes = [
  route({
    method: 'GET',
    path: '/attempts',
    operationId: 'listAttempts',
    summary: 'List attempts, newest first',
    tag: 'Attempts',
    role: 'read-only',
    query: {
      ...pageQuery,
      ...spanQuery,
      type,
      subscriptionId: filterText().optional(),
      deliveryId: filterText().optional(),
      eventId: filterText().optional(),
    },
    body: null,
    status: 200,
    output: pageOf(attempt),
    call: ({ webhooks, scope, query }) => webhooks.attempts.list({ ...query, tenantId: scope }),
  }),
]

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/events',
    operationId: 'listEvents',
    summary: 'List events without their bodies, newest first',
    tag: 'Events',
    role: 'read-only',
    query: { ...pageQuery, ...spanQuery, type },
    body: null,
    status: 200,
    output: pageOf(eventSummary),
    call: ({ webhooks, scope, query }) => webhooks.events.list({ ...query, tenantId: scope }),
  }),
  route({
    method: 'POST',
    path: '/events',
    operationId: 'publishEvent',
    summary: 'Publish an event; Idempotency-Key counts beyond restarts',
    tag: 'Events',
    role: 'admin',
    body: newEvent,
    status: 201,
    output: published,
    locationOf: ({ id }) => `/events/${encodeURIComponent(id)}`,
    call: ({ webhooks, owner, body: { type: name, data, tenantId: _, ...options }, idempotencyKey }) =>
      webhooks.publish(name, data, { ...options, tenantId: owner, idempotencyKey }),
  }),
  route({
    method: 'GET',
    path: '/events/{id}',
    operationId: 'getEvent',
    summary: 'Read an event with its body',
    tag: 'Events',
    role: 'read-only',
    params: byId,
    body: null,
    status: 200,
    output: event,
    call: ({ webhooks, scope, params }) => webhooks.events.get(params.id, { tenantId: scope }),
  }),
]
