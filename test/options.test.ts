/** What `createWebhooks` takes and refuses, and what hooks and schemas of other libraries do to it: nothing. */
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createWebhooks, defineEvents, schedule, unsigned } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { setup } from './support/setup.ts'

afterEach(() => vi.unstubAllEnvs())

describe('createWebhooks', () => {
  it('refuses to run in production without a store, and says so once elsewhere', () => {
    const warnings: string[] = []
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, text: string) => warnings.push(text),
    }
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => createWebhooks({ logger })).toThrow(expect.objectContaining({ code: 'STORE_REQUIRED' }))
    expect(() => createWebhooks({ logger, store: memoryStore() })).not.toThrow()
    expect(warnings).toEqual([])
    vi.stubEnv('NODE_ENV', 'test')
    createWebhooks({ logger })
    expect(warnings).toHaveLength(1)
  })

  it.each([
    [{ tiemoutMs: 1 }, 'INVALID_OPTION', 'did you mean `timeoutMs`?'],
    [{ hooks: { atempted() {} } }, 'INVALID_OPTION', 'hooks.atempted'],
    [{ timeoutMs: 499 }, 'INVALID_OPTION', 'timeoutMs'],
    [{ timeoutMs: 30_001 }, 'INVALID_OPTION', 'timeoutMs'],
    [{ concurrency: '5' }, 'INVALID_OPTION', 'concurrency'],
    [{ validate: 'maybe' }, 'INVALID_OPTION', 'validate'],
    [{ retry: { delaysMs: [-1], jitter: 0 } }, 'INVALID_OPTION', 'retry.delaysMs[0]'],
    [{ retry: 'never' }, 'INVALID_OPTION', "or `never`, all imported from 'posthorn'"],
    [{ retry: 5 }, 'INVALID_OPTION', "schedule(['5s', '5m'])"],
    [{ concurrency: 5, concurrencyPerSubscription: 6 }, 'CONTRADICTORY_OPTIONS', '6'],
    [{ timeoutMs: 20_000, maxAgeMs: 10_000 }, 'CONTRADICTORY_OPTIONS', '10000'],
    [{ breaker: { firstProbeMs: 2_000, maxProbeMs: 1_000 } }, 'CONTRADICTORY_OPTIONS', 'raise the second'],
    [{ breaker: { firstProbeMs: 7_200_000 } }, 'CONTRADICTORY_OPTIONS', '3600000'],
    [{ breaker: { maxProbeMs: 20_000 } }, 'CONTRADICTORY_OPTIONS', '30000'],
    [{ signing: { spec: { scheme: 'rot13' } } }, 'INVALID_OPTION', 'The option `signing`'],
    [{ signing: { spec: null } }, 'INVALID_OPTION', 'The option `signing`'],
    [{ signing: new Array(6).fill({ scheme: unsigned() }) }, 'INVALID_OPTION', 'The option `signing`'],
    [{ signing: [{ scheme: unsigned(), until: new Date(0) }] }, 'INVALID_OPTION', 'The option `signing`'],
    [{ ids: { evnt: () => 'x' } }, 'INVALID_OPTION', 'did you mean `event`?'],
    [{ hooks: { onError() {} } }, 'INVALID_OPTION', 'Known: published, attempted, ended'],
    [{ breaker: { failure: 3 } }, 'INVALID_OPTION', 'did you mean `failures`?'],
    [{ retention: { finishedms: 1 } }, 'INVALID_OPTION', 'did you mean `finishedMs`?'],
    [{ signing: [{ scheme: unsigned(), untill: new Date() }] }, 'INVALID_OPTION', 'did you mean `until`?'],
    [{ signing: 'github' }, 'INVALID_OPTION', 'such as standardWebhooks() or github(), called'],
    [{ signing: unsigned }, 'INVALID_OPTION', 'such as standardWebhooks() or github(), called'],
    [{ signing: [] }, 'INVALID_OPTION', 'The option `signing`'],
    [{ verifyEndpoint: true }, 'INVALID_OPTION', "'challenge', 'cloudevents' or false"],
    [{ breaker: true }, 'INVALID_OPTION', 'must be false or an object'],
    [{ retention: 30 }, 'INVALID_OPTION', 'must be false or `{ finishedMs?'],
    [{ disableAfter: 5 }, 'INVALID_OPTION', 'must be false or `{ spanMs?'],
    [{ tenantLimits: 5 }, 'INVALID_OPTION', 'must be `{ rate?, concurrency? }`'],
    [{ store: { query() {}, connect() {} } }, 'INVALID_OPTION', '`postgresStore({ client: pool })`'],
    [{ store: memoryStore }, 'INVALID_OPTION', 'must be a store'],
    [{ events: { 'order.paid': z.object({}) } }, 'INVALID_OPTION', 'wrap the map in `defineEvents('],
    [{ events: ['order.paid'] }, 'INVALID_OPTION', 'wrap the map in `defineEvents('],
    [{ transport: {} }, 'INVALID_OPTION', 'must be a transport'],
    [{ transport: fetch }, 'INVALID_OPTION', 'must be a transport'],
    [{ ids: { event: 'x' } }, 'INVALID_OPTION', 'ids.event'],
  ])('refuses %j', (options, code, text) => {
    const make = () => createWebhooks({ store: memoryStore(), ...(options as object) })
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }))
  })
})

describe('schemas', () => {
  const catalogs = [
    ['zod', z.object({ id: z.string() })],
    ['valibot', v.object({ id: v.string() })],
    ['arktype', type({ id: 'string' })],
  ] as const

  it.each(catalogs)('of %s decide what is published', async (_name, schema) => {
    const { webhooks, transport, subscribe } = setup({
      events: defineEvents({ 'user.made': schema }) as never,
    })
    await subscribe()
    const bad = webhooks.publish('user.made', { id: 5 }, { tenantId: 'acme' })
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_PAYLOAD', issues: [{ path: 'id' }] })
    await webhooks.publish('user.made', { id: 'u1' }, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })

  it('that only warn report the problem and let the event pass', async () => {
    const problems: string[] = []
    const { webhooks, transport, subscribe } = setup({
      events: defineEvents({ 'user.made': z.object({ id: z.string() }) }) as never,
      validate: 'warn',
      hooks: { problem: ({ during, error }) => problems.push(`${during} ${error.code}`) },
    })
    await subscribe()
    await webhooks.publish('user.made', { id: 5 }, { tenantId: 'acme' })
    await webhooks.drain()
    expect([transport.requests.length, problems]).toEqual([1, ['validate INVALID_PAYLOAD']])
  })
})

describe('hooks', () => {
  it('that throw or reject are logged and change nothing', async () => {
    const errors: string[] = []
    const fail = () => {
      throw new Error('a bug of the host')
    }
    const { webhooks, subscribe } = setup({
      logger: { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => errors.push(text) },
      hooks: { published: fail, attempted: async () => fail(), ended: fail, subscriptionChanged: fail },
    })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ state: 'succeeded' }])
    expect(errors).toHaveLength(4)
  })
})

describe('a subscription of its own ways', () => {
  it('retries by its own schedule and signs by its own scheme', async () => {
    const { webhooks, transport, subscribe, clock } = setup({ answer: () => 500 })
    await subscribe('acme', { retry: schedule(['7s'], { jitter: 0 }), signing: unsigned() })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await clock.advance(6_999)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect(Object.keys(transport.requests[0]?.headers ?? {})).not.toContain('webhook-signature')
    await clock.advance(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
    const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ state: 'failed', reason: 'exhausted' }])
  })
})
