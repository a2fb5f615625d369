/** Statistics and health, as an operator sees them. */
import { describe, expect, it } from 'vitest'
import { anyTenant, never } from '../src/index.ts'
import type { FakeAnswer } from '../src/testing/fake-transport.ts'
import { setup } from './support/setup.ts'

const acme = { tenantId: 'acme' }
const timing = (totalMs: number) => ({ firstByteMs: totalMs, totalMs })

describe('stats', () => {
  it('count attempts by outcome, status and failure, and deliveries by their end', async () => {
    const answers: FakeAnswer[] = [
      { status: 200, timing: timing(10) },
      { status: 503, timing: timing(20) },
      {
        kind: 'failure',
        code: 'timeout',
        message: 'late',
        mayHaveBeenReceived: true,
        timing: timing(15_000),
      },
      { status: 204, timing: timing(10) },
    ]
    const { webhooks, subscribe } = setup({ retry: never, answer: (_, nth) => answers[nth - 1] ?? 200 })
    const { subscription } = await subscribe()
    for (let index = 0; index < 4; index++) await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    const stats = await webhooks.stats({ ...acme, subscription: subscription.id })
    expect(stats).toMatchObject({
      ...{ attempts: 4, succeeded: 2, failed: 2, errorRate: 0.5 },
      statuses: { 200: 1, 204: 1, 503: 1 },
      failures: { timeout: 1 },
      deliveries: { succeeded: 2, failed: 2, cancelled: 0 },
      ...{ attemptsPerDelivery: 1, backlog: 0, held: 0, oldestDueAt: null, breaker: null, bucket: 'hour' },
    })
    expect(stats.latencyMs?.p50).toBeGreaterThan(8.9)
    expect(stats.latencyMs?.p50).toBeLessThan(11.1)
    expect(stats.latencyMs?.p99).toBeGreaterThan(13_400)
    expect(stats.latencyMs?.p99).toBeLessThan(16_600)
    expect(await webhooks.stats({ tenant: 'acme' })).toMatchObject({ attempts: 4 })
    expect(await webhooks.stats({ tenantId: 'other' })).toMatchObject({
      attempts: 0,
      errorRate: null,
      latencyMs: null,
    })
  })

  it('stand in buckets of minutes, hours and days, and are cut to the span', async () => {
    const { webhooks, subscribe, clock } = setup()
    await subscribe()
    const start = clock.now()
    for (const waitMs of [0, 60_000, 3_600_000, 86_400_000]) {
      await clock.advance(waitMs)
      await webhooks.publish('a', {}, acme)
      await webhooks.drain()
    }
    const since = new Date(start)
    const counts = async (bucket: 'minute' | 'hour' | 'day', until?: Date) => {
      const { buckets } = await webhooks.stats({ ...acme, since, bucket, ...(until && { until }) })
      return buckets.map(({ at, attempts }) => [
        at.getTime() % { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[bucket],
        attempts,
      ])
    }
    expect(await counts('minute')).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ])
    const hours = await counts('hour')
    expect(hours.reduce((sum, [, attempts]) => sum + (attempts ?? 0), 0)).toBe(4)
    expect(hours.every(([offset]) => offset === 0)).toBe(true)
    expect((await counts('day')).every(([offset]) => offset === 0)).toBe(true)
    expect(await counts('minute', new Date(start + 60_000))).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  it('say what waits: due, scheduled and held', async () => {
    const { webhooks, subscribe, clock } = setup({ answer: () => 500 })
    const { subscription } = await subscribe()
    const { subscription: paused } = await subscribe()
    await webhooks.subscriptions.pause(paused.id, acme)
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    expect(await webhooks.stats(acme)).toMatchObject({ backlog: 1, held: 1, oldestDueAt: null })
    const dueAt = clock.now() + 5_000
    await clock.advance(8_000)
    expect(await webhooks.stats({ ...acme, subscription: subscription.id })).toMatchObject({
      backlog: 1,
      held: 0,
      oldestDueAt: new Date(dueAt),
    })
  })

  it('count what is cancelled and expired without a request, and every tenant for an operator', async () => {
    const { webhooks, subscribe, clock } = setup({ answer: () => 500, maxAgeMs: 60_000 })
    const { subscription } = await subscribe()
    await subscribe('other')
    await webhooks.publish('a', {}, acme)
    await webhooks.publish('a', {}, { tenantId: 'other' })
    await webhooks.drain()
    await webhooks.subscriptions.delete(subscription.id, acme)
    await clock.advance(60_000)
    await webhooks.drain()
    const { deliveries } = await webhooks.stats({ tenantId: anyTenant })
    expect(deliveries).toEqual({ succeeded: 0, failed: 1, cancelled: 1 })
  })

  it('are written every two seconds at most, and survive a store that refuses them', async () => {
    const { webhooks, subscribe, store, clock } = setup()
    await subscribe()
    const { addRollups } = store
    let writes = 0
    let down = true
    store.addRollups = async (rollups) => {
      writes += 1
      if (down) throw new Error('down')
      return addRollups(rollups)
    }
    await webhooks.start()
    for (let index = 0; index < 50; index++) await webhooks.publish('a', {}, acme)
    await clock.advance(1_900)
    expect(writes).toBe(0)
    await clock.advance(200)
    expect(writes).toBe(1)
    down = false
    await clock.advance(2_000)
    await webhooks.stop()
    expect(await webhooks.stats(acme)).toMatchObject({ attempts: 50 })
  })

  it('are kept for their time only', async () => {
    const { webhooks, subscribe, store, clock } = setup()
    await subscribe()
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    const rows = async (bucketMs: number) =>
      (await store.readRollups({ tenant: 'acme', bucketMs, since: 0, until: 1e15 })).length
    expect([await rows(60_000), await rows(3_600_000)]).toEqual([1, 1])
    await clock.advance(3 * 86_400_000)
    await webhooks.drain()
    expect([await rows(60_000), await rows(3_600_000)]).toEqual([0, 1])
    await clock.advance(90 * 86_400_000)
    await webhooks.drain()
    expect(await rows(3_600_000)).toBe(0)
  })

  it.each([
    [{}, 'TENANT_REQUIRED', 'tenantId'],
    [{ ...acme, tenant: 'acme' }, 'CONTRADICTORY_OPTIONS', 'tenant'],
    [{ ...acme, subscription: 'none' }, 'NOT_FOUND', 'subscription'],
    [{ ...acme, subscription: 5 }, 'INVALID_INPUT', 'subscription'],
    [{ ...acme, bucket: 'week' }, 'INVALID_INPUT', 'bucket'],
    [{ ...acme, bucket: 'minute', since: new Date(0) }, 'INVALID_INPUT', 'bucket'],
    [{ ...acme, since: 'now' }, 'INVALID_INPUT', 'since'],
    [{ ...acme, since: new Date(5), until: new Date(4) }, 'CONTRADICTORY_OPTIONS', 'since'],
    [{ ...acme, from: new Date(5) }, 'INVALID_INPUT', 'from'],
  ])('refuse %j', async (options, code, path) => {
    const { webhooks } = setup()
    await expect(webhooks.stats(options as object)).rejects.toMatchObject({ code, path })
  })
})

describe('health', () => {
  it('is good while work flows, and names the workers that were seen', async () => {
    const { webhooks, subscribe, clock, store } = setup()
    await subscribe()
    const other = setup({ store }).webhooks
    expect(await webhooks.health()).toEqual({
      healthy: true,
      problems: [],
      storeReachable: true,
      oldestDueAgeMs: null,
      lagMs: null,
      workersSeen: 0,
      lastClaimAt: null,
    })
    await webhooks.publish('a', {}, acme)
    await clock.advance(1_500)
    await webhooks.drain()
    await other.drain()
    expect(await webhooks.health()).toMatchObject({ healthy: true, workersSeen: 2, lagMs: 0 })
    expect((await webhooks.health()).lastClaimAt).toEqual(new Date(clock.now()))
    await clock.advance(600_000)
    expect(await webhooks.health()).toMatchObject({ healthy: true, workersSeen: 0 })
  })

  it('says how long work has been due, and that no worker takes it', async () => {
    const { webhooks, clock } = setup()
    await webhooks.publish('a', {}, acme)
    await clock.advance(30_000)
    expect(await webhooks.health({ maxDueAgeMs: 30_000 })).toMatchObject({
      oldestDueAgeMs: 30_000,
      workersSeen: 0,
      problems: [expect.stringContaining('no worker')],
    })
    const late = await webhooks.health({ maxDueAgeMs: 29_999 })
    expect(late.healthy).toBe(false)
    expect(late.problems[0]).toContain('30000 ms')
  })

  it('answers when the store fails or hangs', async () => {
    const { webhooks, store, clock } = setup()
    store.now = () => Promise.reject(new Error('connection refused'))
    expect(await webhooks.health()).toMatchObject({
      healthy: false,
      storeReachable: false,
      oldestDueAgeMs: null,
      problems: [expect.stringContaining('connection refused')],
    })
    store.now = () => new Promise(() => undefined)
    const asked = webhooks.health()
    await clock.advance(5_000)
    expect(await asked).toMatchObject({ storeReachable: false })
    await expect(webhooks.health({ maxDueAgeMs: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('a large fan-out', () => {
  it('serialises and stores its body once, for a hundred receivers', async () => {
    let serialised = 0
    const { webhooks, subscribe, transport, store } = setup({ maxBodyBytes: 1_048_576 })
    for (let index = 0; index < 100; index++) await subscribe('acme', { url: `https://r${index}.example/` })
    const data = {
      toJSON() {
        serialised += 1
        return { text: 'x'.repeat(1_000_000) }
      },
    }
    await webhooks.publish('a', data, acme)
    await webhooks.drain()
    expect(serialised).toBe(1)
    expect(transport.requests).toHaveLength(100)
    expect(new Set(transport.requests.map(({ body }) => body)).size).toBe(1)
    const { rows } = await store.listDeliveries({ tenant: 'acme' }, { limit: 100 })
    expect(rows.every(({ body }) => body === null)).toBe(true)
  })
})
