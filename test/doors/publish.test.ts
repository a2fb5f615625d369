/** What publish refuses because it would be lost, or sent as something else than was meant. */
import { describe, expect, it } from 'vitest'
import { defineEvents, type StandardSchemaV1, type Webhooks } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

const TENANT = { tenantId: 'acme' }

/** A promise that is no `Promise` of this realm. */
function foreign<T>(value: T): PromiseLike<T> {
  const promise = Promise.resolve(value)
  return Object.fromEntries([['then', promise.then.bind(promise)]]) as unknown as PromiseLike<T>
}

describe('the data', () => {
  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('data')],
    ['a promise that nobody awaited', Promise.resolve({ total: 1 })],
    ['a promise of another library', foreign({ total: 1 })],
  ])('is refused as %s, with which its receivers would get none', async (_what, data) => {
    const { webhooks } = setup()
    await expect(webhooks.publish('a', data, TENANT)).rejects.toMatchObject({
      code: 'PAYLOAD_NOT_SERIALISABLE',
      path: 'data',
    })
    expect((await webhooks.events.list(TENANT)).items).toEqual([])
  })

  it('is refused with an error of ours when it is a revoked proxy, which threw a TypeError', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const { webhooks } = setup()
    await expect(webhooks.publish('a', proxy, TENANT)).rejects.toMatchObject({
      code: 'PAYLOAD_NOT_SERIALISABLE',
    })
  })

  it('is refused when the envelope is a promise, which would be sent as {}', async () => {
    const { webhooks } = setup({ envelope: async ({ data }) => data })
    await expect(webhooks.publish('a', {}, TENANT)).rejects.toMatchObject({
      code: 'PAYLOAD_NOT_SERIALISABLE',
    })
  })
})

describe('the schema', () => {
  it('is awaited, whatever kind of promise it gives', async () => {
    const schema: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => foreign({ issues: [{ message: 'wrong' }] }) as never,
      },
    }
    const { webhooks } = setup({ events: defineEvents({ a: schema }) as never })
    await expect(webhooks.publish('a', {}, TENANT)).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' })
  })
})

describe('the name', () => {
  it.each(['', 'a b', 'a\n', 'ä', 'x'.repeat(129), 7, null])(
    '%j is refused without a catalogue, too',
    async (type) => {
      const { webhooks } = setup()
      const refused = webhooks.publish(type as string, {}, TENANT)
      await expect(refused).rejects.toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
    },
  )

  it('may have 128 characters', async () => {
    const { webhooks } = setup({ validate: 'off' })
    expect(await webhooks.publish('x'.repeat(128), {}, TENANT)).toMatchObject({ duplicate: false })
  })
})

describe('the options', () => {
  it('cannot be null, and a misspelt one is named', async () => {
    const { webhooks } = setup()
    await expect(webhooks.publish('a', {}, null as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const misspelt = { ...TENANT, idempotencykey: 'k' }
    await expect(webhooks.publish('a', {}, misspelt as never)).rejects.toMatchObject({
      message: expect.stringContaining('Did you mean "idempotencyKey"'),
    })
  })

  it('hold metadata as a plain object: a Map would be lost', async () => {
    const { webhooks } = setup()
    const metadata = new Map([['order', '7']])
    const published = webhooks.publish('a', {}, { ...TENANT, metadata: metadata as never })
    await expect(published).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'metadata' })
  })

  it('keep an own __proto__ as what it is: a key', async () => {
    const { webhooks } = setup()
    const metadata = JSON.parse('{"__proto__":"x"}')
    const { id } = await webhooks.publish('a', {}, { ...TENANT, metadata })
    const event = await webhooks.events.get(id, TENANT)
    expect(Object.entries(event.metadata)).toEqual([['__proto__', 'x']])
  })
})

describe('publishMany', () => {
  const many = (webhooks: Webhooks) => webhooks.publishMany as (...given: unknown[]) => Promise<unknown>

  it('refuses a transaction in one of its entries, which would not be in it', async () => {
    const { webhooks, store } = setup()
    await store.transaction(async (tx) => {
      const refused = many(webhooks)([{ type: 'a', data: {}, ...TENANT, tx }])
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'publications[0].tx' })
    })
  })

  it('takes 10,000 and refuses one more, storing none', async () => {
    const { webhooks } = setup()
    const one = { type: 'a', data: 1, ...TENANT }
    await expect(many(webhooks)(new Array(10_001).fill(one))).rejects.toMatchObject({ path: 'publications' })
    expect(await webhooks.events.list({ ...TENANT, total: true })).toMatchObject({ total: 0 })
    await many(webhooks)(new Array(10_000).fill(one))
    expect(await webhooks.events.list({ ...TENANT, total: true })).toMatchObject({ total: 10_000 })
  })

  it('is all or nothing when one entry is wrong', async () => {
    const { webhooks } = setup()
    const refused = many(webhooks)([
      { type: 'a', data: 1, ...TENANT },
      { type: 'a', data: 1n, ...TENANT },
    ])
    await expect(refused).rejects.toMatchObject({ code: 'PAYLOAD_NOT_SERIALISABLE' })
    expect((await webhooks.events.list(TENANT)).items).toEqual([])
  })
})

describe('hooks and loggers', () => {
  it('that throw or reject, with any kind of promise, change nothing and reach nobody', async () => {
    const failing = () => {
      throw new Error('a logger threw')
    }
    const rejecting = () => foreign(null).then(() => Promise.reject(new Error('rejected')))
    const logger = { debug: failing, info: failing, warn: rejecting, error: rejecting }
    const hooks = { published: rejecting, attempted: failing, ended: rejecting, problem: failing }
    const { webhooks, subscribe, transport } = setup({ logger, hooks })
    await subscribe()
    await webhooks.publish('a', {}, TENANT)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })
})
