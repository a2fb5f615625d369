/**
 * admin-console: administers the webhooks of many tenants, which belong to partners. Hono, and answers as FastAPI does.
 *
 *   GET    /api/v1/admin/webhooks/          ?page=1&per_page=20&tenant_id=…&partner_id=…  → 200 { items, total, page, per_page, pages }
 *   POST   /api/v1/admin/webhooks/          { url, events, tenant_id, description?, is_active? } → 201 with `secret`
 *   GET    /api/v1/admin/webhooks/events                                         → 200 { events }
 *   GET    /api/v1/admin/webhooks/{webhook_id}                                   → 200
 *   PATCH  /api/v1/admin/webhooks/{webhook_id}      { url?, events?, description?, is_active? } → 200
 *   DELETE /api/v1/admin/webhooks/{webhook_id}                                   → 204
 *   GET    /api/v1/admin/webhooks/{webhook_id}/deliveries   ?page&per_page&status=pending|success|failed|cancelled → 200
 *   GET    /api/v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}          → 200 with payload and attempts
 *   POST   /api/v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/retry    → 200
 *   POST   /api/v1/admin/webhooks/{webhook_id}/rotate-secret                     → 200 { webhook_id, secret }
 *   GET    /api/v1/admin/webhooks/{webhook_id}/stats                             → 200
 *   POST   /api/v1/admin/webhooks/{webhook_id}/test                              → 200 { event_type, delivery_id }
 *   POST   /api/v1/admin/users/             { tenant_id, email }                 → 201, user.created
 *   DELETE /api/v1/admin/users/{user_id}                                         → 204, user.deleted
 *
 * To see a delivery: create a webhook for user.created, then POST /api/v1/admin/users/.
 *
 * Where the document is silent: 401, 403 and 404 are { detail: text }; a token without the scope `webhooks:admin` gets 403,
 * and what lies outside of its partner or tenant is 404 or missing from lists; per_page is at most 100; a retry of what has
 * not failed is 422; a body is { id, event, created_at, tenant_id, data }; the signature is `X-Webhook-Signature:
 * sha256=<hex>` over it, beside `X-Webhook-Id` and `X-Webhook-Event`; a rotated secret signs alone at once; a failed
 * delivery is tried again after 10 s, 1 min and 10 min; a test sends the first event that the webhook wants.
 */
import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'
import {
  anyTenant,
  createWebhooks,
  type Delivery,
  defineEvents,
  hmac,
  type Subscription,
} from '../../src/index.ts'
import { type Ask, accessByToken, type Callers, isWithin } from './admin-console-access.ts'
import { paged, pageOf, STATES, shown, shownDelivery, stateOf } from './admin-console-views.ts'
import {
  isHttpsReceiver,
  portOf,
  Refused,
  type Running,
  refusalOf,
  type Setting,
  switchTo,
  text,
} from './setting.ts'
import { bodyOf, checkAll, numberIn, Unprocessable } from './validation-errors.ts'

const user = z.object({ user_id: z.string(), email: z.string() })
const events = defineEvents({ 'user.created': user, 'user.deleted': user })
const BASE = '/api/v1/admin/webhooks'
export async function start(setting: Setting): Promise<Running> {
  const webhooks = createWebhooks({
    ...setting.sender,
    events,
    envelope: ({ id, type, tenantId, occurredAt, data }) => {
      return { id, event: type, created_at: occurredAt, tenant_id: tenantId, data }
    },
    signing: hmac({
      ...{ header: 'X-Webhook-Signature', prefix: 'sha256=' },
      ...{ idHeader: 'X-Webhook-Id', eventHeader: 'X-Webhook-Event' },
    }),
    retry: setting.retries(10, 60, 600),
    ids: { subscription: () => `wh_${randomUUID()}`, event: randomUUID },
    userAgent: 'admin-console/1.0',
  })
  const { subscriptions, deliveries } = webhooks
  const users = new Map<string, { readonly tenantId: string; readonly email: string }>()
  const access = accessByToken()

  const url = z
    .string()
    .max(2048)
    .refine((given) => isHttpsReceiver(given, setting), 'must be an https URL that we can reach')
  const wanted = z.array(z.enum(events.types as ['user.created', 'user.deleted'])).min(1)
  const optional = z.object({ description: text(0, 500).nullable(), is_active: z.boolean() }).partial()
  const fields = {
    create: optional.extend({ url, events: wanted, tenant_id: z.string() }),
    update: optional.extend({ url: url.optional(), events: wanted.optional() }),
    user: z.object({ tenant_id: z.string(), email: z.email() }),
  }

  /** The webhook of the path, if the caller's token reaches it. */
  async function find(c: Ask): Promise<{ id: string; tenantId: string; webhook: Subscription }> {
    const webhook = await subscriptions.get(c.req.param('webhook') ?? '', { tenantId: anyTenant })
    if (!c.get('tenants').includes(webhook.tenantId)) throw new Refused(404, 'Webhook not found')
    return { id: webhook.id, tenantId: webhook.tenantId, webhook }
  }

  async function findDelivery(c: Ask): Promise<Delivery> {
    const number = numberIn('path', 'delivery_id', c.req.param('delivery') ?? '')
    const { id, tenantId } = await find(c)
    const delivery = await deliveries.get(number, { tenantId }).catch((error) => {
      throw refusalOf(error, 'Delivery') ?? error
    })
    if (delivery.subscriptionId !== id) throw new Refused(404, 'Delivery not found')
    return delivery
  }

  function ownTenant(c: Ask, tenantId: string): string {
    if (!c.get('tenants').includes(tenantId)) throw new Unprocessable('body', 'tenant_id', 'Unknown tenant')
    return tenantId
  }

  const app = new Hono<Callers>({ strict: false })
  app.use(access.check)

  app.get(BASE, (c) => {
    const tenantIds = c.get('tenants').filter((id) => isWithin(id, c.req.query()))
    return paged(c, pageOf(c), shown, (part) => subscriptions.list({ tenantIds, ...part }))
  })
  app.post(BASE, async (c) => {
    const { tenant_id, is_active = true, ...rest } = await bodyOf(c.req, fields.create)
    const state = is_active ? 'active' : 'disabled'
    const made = await subscriptions.create({ ...rest, tenantId: ownTenant(c, tenant_id), state })
    return c.json({ ...shown(made.subscription), secret: made.secret }, 201)
  })
  app.get(`${BASE}/events`, (c) => c.json({ events: events.types }))
  app.get(`${BASE}/:webhook`, async (c) => c.json(shown((await find(c)).webhook)))
  app.patch(`${BASE}/:webhook`, async (c) => {
    const { is_active, ...changes } = await bodyOf(c.req, fields.update)
    const { id, tenantId } = await find(c)
    const updated = await subscriptions.update(id, changes, { tenantId })
    return c.json(
      shown(is_active === undefined ? updated : await switchTo(is_active, subscriptions, id, { tenantId })),
    )
  })
  app.delete(`${BASE}/:webhook`, async (c) => {
    const { id, tenantId } = await find(c)
    await subscriptions.delete(id, { tenantId })
    return c.body(null, 204)
  })
  app.get(`${BASE}/:webhook/deliveries`, async (c) => {
    const [page, state] = checkAll(
      () => pageOf(c),
      () => stateOf(c),
    )
    const { id: subscriptionId, tenantId } = await find(c)
    const filter = { tenantId, subscriptionId, state }
    return paged(c, page, shownDelivery, (part) => deliveries.list({ ...filter, ...part }))
  })
  app.get(`${BASE}/:webhook/deliveries/:delivery`, async (c) => {
    const delivery = await findDelivery(c)
    const { tenantId, eventId } = delivery
    const { body } = await webhooks.events.get(eventId, { tenantId })
    const attempts = await webhooks.attempts.list({ tenantId, deliveryId: delivery.id, limit: 1000 })
    const history = attempts.items.map(({ number, status, message, durationMs, startedAt }) => {
      return { number, status, error: message, duration_ms: Math.round(durationMs), attempted_at: startedAt }
    })
    return c.json({ ...shownDelivery(delivery), payload: JSON.parse(body ?? 'null'), history })
  })
  app.post(`${BASE}/:webhook/deliveries/:delivery/retry`, async (c) => {
    const { id, state, tenantId } = await findDelivery(c)
    if (state !== 'failed')
      throw new Unprocessable('path', 'delivery_id', 'Only a failed delivery can be retried')
    return c.json(shownDelivery(await deliveries.redeliver(id, { tenantId })))
  })
  app.post(`${BASE}/:webhook/rotate-secret`, async (c) => {
    const { id, tenantId } = await find(c)
    const { secret } = await subscriptions.rotateSecret(id, { tenantId, overlapMs: 0 })
    return c.json({ webhook_id: id, secret })
  })
  app.get(`${BASE}/:webhook/stats`, async (c) => {
    const { id: subscriptionId, tenantId } = await find(c)
    const count = (state?: Delivery['state']) =>
      deliveries.list({ tenantId, subscriptionId, state, limit: 1, total: true })
    const all = await count()
    const counts = await Promise.all(
      Object.entries(STATES).map(async ([name, state]) => [name, (await count(state)).total ?? 0]),
    )
    const { success, failed, ...others } = Object.fromEntries(counts)
    const success_rate = success + failed === 0 ? null : success / (success + failed)
    const last_delivery_at = all.items[0]?.createdAt ?? null
    return c.json({
      webhook_id: subscriptionId,
      total: all.total,
      success,
      failed,
      ...others,
      success_rate,
      last_delivery_at,
    })
  })
  app.post(`${BASE}/:webhook/test`, async (c) => {
    const { id, tenantId } = await find(c)
    const { deliveryId } = await subscriptions.test(id, { tenantId })
    const { number, eventType } = await deliveries.get(deliveryId, { tenantId })
    return c.json({ event_type: eventType, delivery_id: number })
  })

  app.post('/api/v1/admin/users', async (c) => {
    const { tenant_id, email } = await bodyOf(c.req, fields.user)
    const [id, tenantId] = [randomUUID(), ownTenant(c, tenant_id)]
    users.set(id, { tenantId, email })
    await webhooks.publish('user.created', { user_id: id, email }, { tenantId })
    return c.json({ id, tenant_id, email }, 201)
  })
  app.delete('/api/v1/admin/users/:user', async (c) => {
    const id = c.req.param('user')
    const found = users.get(id)
    if (!found || !c.get('tenants').includes(found.tenantId)) throw new Refused(404, 'User not found')
    users.delete(id)
    await webhooks.publish('user.deleted', { user_id: id, email: found.email }, { tenantId: found.tenantId })
    return c.body(null, 204)
  })

  app.notFound((c) => c.json({ detail: 'Not Found' }, 404))
  app.onError((error, c) => {
    const refused = refusalOf(error, 'Webhook')
    if (error instanceof Unprocessable) return c.json({ detail: error.detail }, 422)
    if (refused?.field)
      return c.json(
        { detail: [{ loc: ['body', refused.field], msg: refused.message, type: 'value_error' }] },
        422,
      )
    if (refused?.status === 401) c.header('www-authenticate', 'Bearer')
    return c.json({ detail: refused?.message ?? 'Internal Server Error' }, (refused?.status ?? 500) as 404)
  })

  await webhooks.start()
  const server = serve({ fetch: app.fetch, port: setting.port, hostname: '127.0.0.1' })
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  return {
    port: portOf(server as Parameters<typeof portOf>[0]),
    credentials: await access.credentials(),
    async close() {
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await webhooks.stop()
    },
  }
}
