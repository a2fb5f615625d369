import { describe, expect, it } from 'vitest'
import { anyTenant, schedule } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { setup } from '../support/setup.ts'

const listAll = (webhooks: ReturnType<typeof setup>['webhooks']) =>
  webhooks.deliveries.list({ tenantId: anyTenant, limit: 1000 })

describe('the way of one event', () => {
  it('delivers to every subscription that wants it, signed and verifiable', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    const { secret } = await subscribe('acme', { events: ['order.*'] })
    await subscribe('acme', { events: ['user.created'] })
    await subscribe('other')
    const { id } = await webhooks.publish('order.paid', { orderId: 'o1' }, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    const [request] = transport.requests
    if (request === undefined || secret === null) throw new Error('no request')
    const now = clock.now() / 1000
    const event = await verify({ headers: request.headers, body: request.body }, { secret, now })
    expect(event).toMatchObject({ id, type: 'order.paid', data: { orderId: 'o1' } })
    const { items } = await listAll(webhooks)
    expect(items).toMatchObject([{ state: 'succeeded', attemptCount: 1, eventId: id, nextAttemptAt: null }])
  })

  it('retries after a 500 with the same bytes and id, then succeeds', async () => {
    const { webhooks, transport, subscribe, clock } = setup({
      answer: (_request, nth) => (nth < 3 ? 500 : 204),
    })
    await subscribe()
    await webhooks.publish('a', { n: 1 }, { tenantId: 'acme' })
    await webhooks.drain()
    expect((await listAll(webhooks)).items).toMatchObject([
      { state: 'pending', lastStatus: 500, attemptCount: 1 },
    ])
    await clock.advance(5_000)
    await webhooks.drain()
    await clock.advance(300_000)
    await webhooks.drain()
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'succeeded', attemptCount: 3 }])
    const [first, second, third] = transport.requests
    expect(third?.body).toEqual(first?.body)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp'])
  })

  it('gives up as exhausted when the schedule is used up, and redelivers by hand with a fresh schedule', async () => {
    const { webhooks, transport, subscribe, clock } = setup({
      answer: () => 500,
      retry: schedule(['1s', '1s'], { jitter: 0 }),
    })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    for (let round = 0; round < 4; round++) {
      await webhooks.drain()
      await clock.advance(1_000)
    }
    const [ended] = (await listAll(webhooks)).items
    expect(ended).toMatchObject({ state: 'failed', reason: 'exhausted', attemptCount: 3 })
    await webhooks.deliveries.redeliver(ended?.number ?? 0, { tenantId: 'acme' })
    transport.answer((_request, nth) => (nth === 4 ? 500 : 200))
    await webhooks.drain()
    await clock.advance(1_000)
    await webhooks.drain()
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'succeeded', attemptCount: 5 }])
    const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
    expect(items.map((attempt) => attempt.number)).toEqual([5, 4, 3, 2, 1])
    expect(items[1]?.trigger).toBe('manual')
  })

  it('regression: retries to the millisecond what is due before the next poll', async () => {
    const retry = schedule([0, 50, 300, 1_200], { jitter: 0 })
    const { webhooks, subscribe, transport, clock } = setup({ retry, answer: () => 500 })
    await subscribe()
    await webhooks.start()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await clock.advance(0)
    const started = transport.requests.map(() => clock.now())
    for (const wait of [50, 300, 1_200]) {
      await clock.advance(wait - 1)
      expect(transport.requests).toHaveLength(started.length)
      await clock.advance(1)
      started.push(clock.now())
      expect(transport.requests).toHaveLength(started.length)
    }
    expect(started).toHaveLength(5)
    await webhooks.stop()
  })

  it('obeys 410 by disabling the subscription, and sends it nothing more', async () => {
    const changes: string[] = []
    const { webhooks, transport, subscribe } = setup({
      answer: () => 410,
      hooks: { subscriptionChanged: ({ change }) => changes.push(change) },
    })
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    const after = await webhooks.subscriptions.get(subscription.id, { tenantId: 'acme' })
    expect(after).toMatchObject({ state: 'disabled', disabledReason: 'gone' })
    expect(changes).toEqual(['created', 'disabled'])
  })

  it('waits as long as Retry-After asks', async () => {
    const { webhooks, transport, subscribe, clock } = setup({
      answer: (_request, nth) => (nth === 1 ? { status: 429, headers: { 'retry-after': '60' } } : 200),
    })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await clock.advance(59_000)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    await clock.advance(1_000)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
  })

  it('gives an event to no subscription that was made after it', async () => {
    const { webhooks, transport, subscribe } = setup()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await subscribe()
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
  })

  it('holds deliveries while paused and sends them on resume', async () => {
    const { webhooks, transport, subscribe } = setup()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, { tenantId: 'acme' })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'pending', held: true }])
    await webhooks.subscriptions.resume(subscription.id, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })

  it('cancels what is pending when its subscription is deleted', async () => {
    const { webhooks, transport, subscribe, clock } = setup({ answer: () => 500 })
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await webhooks.subscriptions.delete(subscription.id, { tenantId: 'acme' })
    await clock.advance(10_000)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'cancelled' }])
  })

  it('ends a delivery as expired at its maximum age', async () => {
    const { webhooks, subscribe, clock } = setup()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, { tenantId: 'acme' })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await clock.advance(5 * 86_400_000)
    await webhooks.drain()
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'failed', reason: 'expired' }])
  })

  it('sends a test that the log marks as a test, also to a paused subscription', async () => {
    const { webhooks, transport, subscribe } = setup()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, { tenantId: 'acme' })
    await webhooks.subscriptions.test(subscription.id, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect((await listAll(webhooks)).items).toMatchObject([{ state: 'succeeded', test: true }])
  })

  it('splits a fan-out over more than 500 subscriptions and reaches each once', async () => {
    const { webhooks, transport, subscribe } = setup()
    for (let index = 0; index < 1_201; index++) {
      await subscribe('acme', { url: `https://receiver-${index}.example/` })
    }
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    expect(new Set(transport.requests.map((request) => request.url)).size).toBe(1_201)
    expect(transport.requests).toHaveLength(1_201)
  })
})

describe('publish', () => {
  it('keeps the first of two with the same id or key and says so', async () => {
    const { webhooks, transport, subscribe } = setup()
    await subscribe()
    const first = await webhooks.publish('a', { n: 1 }, { tenantId: 'acme', idempotencyKey: 'k' })
    const again = await webhooks.publish('a', { n: 2 }, { tenantId: 'acme', idempotencyKey: 'k' })
    expect(again).toMatchObject({ id: first.id, duplicate: true })
    const races = await Promise.all(
      Array.from({ length: 8 }, () => webhooks.publish('a', {}, { tenantId: 'acme', id: 'own-1' })),
    )
    expect(races.filter((race) => !race.duplicate)).toHaveLength(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
  })

  it('delivers to a one-use destination only, erases it at the end, and needs a new one to redeliver', async () => {
    const { webhooks, transport, subscribe } = setup()
    await subscribe()
    const to = { url: 'https://once.example/cb', headers: { authorization: 'Bearer fake-token' } }
    await webhooks.publish('a', {}, { tenantId: 'acme', to })
    await webhooks.drain()
    expect(transport.requests.map((request) => request.url)).toEqual(['https://once.example/cb'])
    expect(transport.requests[0]?.headers.authorization).toBe('Bearer fake-token')
    const [delivery] = (await listAll(webhooks)).items
    const again = webhooks.deliveries.redeliver(delivery?.id ?? '', { tenantId: 'acme' })
    await expect(again).rejects.toMatchObject({ code: 'DESTINATION_REQUIRED' })
    await webhooks.deliveries.redeliver(delivery?.id ?? '', { tenantId: 'acme', to })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
  })

  it('records and delivers nothing with skip, which wins over a destination', async () => {
    const { webhooks, transport, subscribe } = setup()
    await subscribe()
    const options = { tenantId: 'acme', skip: true, to: { url: 'https://once.example' } }
    const { id } = await webhooks.publish('a', {}, options)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    expect(await webhooks.events.get(id, { tenantId: 'acme' })).toMatchObject({ skipped: true })
  })

  it.each([
    ['a BigInt', { a: 1n }],
    ['a lone surrogate', { a: '\ud800' }],
    [
      'a throwing toJSON',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
    ],
  ])('refuses %s with a typed error and stores nothing', async (_name, data) => {
    const { webhooks } = setup()
    await expect(webhooks.publish('a', data, { tenantId: 'acme' })).rejects.toMatchObject({
      code: 'PAYLOAD_NOT_SERIALISABLE',
    })
    expect((await webhooks.events.list({ tenantId: anyTenant })).items).toEqual([])
  })

  it('delivers at the asked time, not before', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    await subscribe()
    const deliverAt = new Date(clock.now() + 60_000)
    await webhooks.publish('a', {}, { tenantId: 'acme', deliverAt })
    await clock.advance(59_999)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    await clock.advance(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })
})
