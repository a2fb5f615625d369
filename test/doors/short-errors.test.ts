/** What is refused is never told in full: an error, its path and its log line stay short however long the input was. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createWebhooks, defineEvents, type PosthornError } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

const LONG = 'k'.repeat(250_000)
const scope = { tenantId: 'acme' }

const subscriptions: readonly (readonly [field: string, input: object])[] = [
  ['url', { url: `https://example.com/${LONG}` }],
  ['the host of a url', { url: `https://${LONG}.com/` }],
  ['the scheme of a url', { url: `${LONG}://example.com/` }],
  ['a header name', { headers: { [LONG]: 'v' } }],
  ['a header value', { headers: { 'x-a': LONG } }],
  ['an event pattern', { events: [LONG] }],
  ['a prefix pattern', { events: [`${LONG}.*`] }],
  ['name', { name: LONG }],
  ['description', { description: LONG }],
  ['a metadata key', { metadata: { [LONG]: 'v' } }],
  ['a metadata value', { metadata: { [LONG.slice(0, 128)]: LONG } }],
  ['an unknown key', { [LONG]: 1 }],
  ['an unknown key of retry', { retry: { delaysMs: [1], [LONG]: 1 } }],
  ['an unknown key of rate', { rate: { count: 1, perMs: 1, [LONG]: 1 } }],
  ['ordering', { ordering: LONG }],
  ['a channel', { channels: [LONG] }],
  ['a field of a filter', { filter: { [LONG]: 1 } }],
  ['an operator of a filter', { filter: { 'data.a': { [LONG]: 1 } } }],
  ['an unknown field of a scheme', { signing: { spec: { scheme: 'standard-webhooks', [LONG]: 1 } } }],
  ['the name of a scheme', { signing: { spec: { scheme: LONG } } }],
  ['secret', { secret: LONG }],
  ['state', { state: LONG }],
  ['tenantId', { tenantId: LONG }],
]
const publishes: readonly (readonly [field: string, type: string, options: object])[] = [
  ['type', LONG, {}],
  ['id', 'a', { id: LONG }],
  ['idempotencyKey', 'a', { idempotencyKey: LONG }],
  ['a metadata key', 'a', { metadata: { [LONG]: 'v' } }],
  ['a metadata value', 'a', { metadata: { a: LONG } }],
  ['the url of to', 'a', { to: { url: `https://example.com/${LONG}` } }],
  ['a header of to', 'a', { to: { url: 'https://example.com/', headers: { [LONG]: 'v' } } }],
  ['an unknown option', 'a', { [LONG]: 1 }],
]

async function told(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => expect.fail('was accepted'),
    (thrown: PosthornError) => thrown,
  )
  return JSON.stringify([error.message, error.path, error.issues])
}

describe('an error stays short', () => {
  it.each(subscriptions)('for %s of a subscription', async (_field, input) => {
    const { subscribe } = setup()
    expect((await told(subscribe('acme', input))).length).toBeLessThan(1_000)
  })

  it.each(publishes)('for %s of an event', async (_field, type, options) => {
    const { webhooks } = setup()
    const published = webhooks.publish(type, {}, { ...scope, ...options })
    expect((await told(published)).length).toBeLessThan(1_000)
  })

  it('for a field of a payload that its schema does not know', async () => {
    const events = defineEvents({ a: z.record(z.string(), z.number()) })
    const webhooks = createWebhooks({ events })
    const data = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`${n}${LONG}`, 'no number']))
    const message = await told(webhooks.publish('a', data as never, scope))
    expect(message.length).toBeLessThan(5_000)
  })
})
