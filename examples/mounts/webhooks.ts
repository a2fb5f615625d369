/** The sender, the management API and its keys, as all mounts share them. */
import { z } from 'zod'
import { createHandler, type Handler } from '../../src/http/index.ts'
import { createWebhooks, defineEvents } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'

export const webhooks = createWebhooks({
  store: memoryStore(),
  events: defineEvents({ 'order.paid': z.object({ orderId: z.string() }) }),
})

/** In your application: the session, the token, the API key that it has already. */
const tenantOfKey = new Map([['obviously-fake-key-of-acme', 'acme']])

/** `basePath` only where the mount does not know it. */
export const api = (basePath?: string): Handler =>
  createHandler(webhooks, {
    basePath,
    authorize(request) {
      const key = request.headers.get('authorization')?.replace('Bearer ', '') ?? ''
      const tenantId = tenantOfKey.get(key)
      return tenantId === undefined ? null : { role: 'tenant', tenantId }
    },
  })

/** What a receiver was given when it subscribed. */
export const secret = 'whsec_b2J2aW91c2x5LWZha2Utc2VjcmV0LW9mLWV4YW1wbGVz'
