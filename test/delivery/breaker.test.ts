/** The circuit breaker: when it opens, how it probes, and how the backlog goes out afterwards. */
import { describe, expect, it } from 'vitest'
import { afterProbe, createWindow, isTooMuch, paceOf } from '../../src/delivery/breaker.ts'
import { policyOf } from '../../src/delivery/policy.ts'
import { createWebhooks, schedule } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

const hourly = schedule(Array(50).fill('6h'), { jitter: 0 })
const acme = { tenantId: 'acme' }

async function brokenAfter(failures: number, everyMs: number, options: Parameters<typeof setup>[0] = {}) {
  const changes: string[] = []
  const hooks = { subscriptionChanged: ({ change }: { change: string }) => changes.push(change) }
  const made = setup({ answer: () => 500, retry: hourly, hooks, ...options })
  const { subscription } = await made.subscribe()
  for (let n = 0; n < failures; n++) {
    await made.webhooks.publish('a', { n }, acme)
    await made.webhooks.drain()
    await made.clock.advance(everyMs)
  }
  const read = () => made.webhooks.subscriptions.get(subscription.id, acme)
  return { ...made, changes, read, id: subscription.id }
}

describe('the breaker opens', () => {
  it('after 5 failures in a row of at least 2 deliveries that span 10 seconds', async () => {
    const { read, clock } = await brokenAfter(5, 2_500)
    expect(await read()).toMatchObject({
      state: 'paused',
      pausedBy: 'breaker',
      breaker: { cause: 'failing', openedAt: new Date(clock.now() - 2_500), probes: 0 },
      failingSince: new Date(clock.now() - 12_500),
    })
  })

  it('not after 4, not within less than 10 seconds, not for one delivery alone', async () => {
    expect(await (await brokenAfter(4, 10_000)).read()).toMatchObject({ state: 'active', breaker: null })
    expect(await (await brokenAfter(5, 2_499)).read()).toMatchObject({ state: 'active' })
    const one = setup({ answer: () => 500, retry: schedule(Array(9).fill('5s'), { jitter: 0 }) })
    const { subscription } = await one.subscribe()
    await one.webhooks.publish('a', {}, acme)
    for (let n = 0; n < 8; n++) {
      await one.webhooks.drain()
      await one.clock.advance(5_000)
    }
    expect(one.transport.requests).toHaveLength(8)
    expect(await one.webhooks.subscriptions.get(subscription.id, acme)).toMatchObject({ state: 'active' })
  })

  it('not when a success comes between', async () => {
    const { read, transport } = await brokenAfter(9, 3_000, {
      answer: (_request, nth) => (nth === 5 ? 200 : 500),
    })
    expect(transport.requests).toHaveLength(9)
    expect(await read()).toMatchObject({ state: 'active' })
  })

  it('when 70 % of at least 10 attempts in 5 minutes fail', async () => {
    const mixed = (share: readonly number[]) => (_request: unknown, nth: number) =>
      share[(nth - 1) % 10] ?? 500
    const seven = [500, 500, 500, 200, 500, 500, 200, 500, 200, 500]
    const six = [500, 500, 500, 200, 500, 200, 200, 500, 200, 500]
    expect(await (await brokenAfter(9, 2_000, { answer: mixed(seven) })).read()).toMatchObject({
      state: 'active',
    })
    expect(await (await brokenAfter(10, 2_000, { answer: mixed(seven) })).read()).toMatchObject({
      state: 'paused',
    })
    expect(await (await brokenAfter(20, 2_000, { answer: mixed(six) })).read()).toMatchObject({
      state: 'active',
    })
    expect(await (await brokenAfter(20, 60_000, { answer: mixed(seven) })).read()).toMatchObject({
      state: 'active',
    })
  })

  it('never when it is switched off, and by other numbers when they are set', async () => {
    expect(await (await brokenAfter(20, 5_000, { breaker: false })).read()).toMatchObject({ state: 'active' })
    const eager = { failures: 2, deliveries: 1, spanMs: 0 }
    expect(await (await brokenAfter(2, 1, { breaker: eager })).read()).toMatchObject({ state: 'paused' })
  })

  it('for every process, by failures that two of them saw', async () => {
    const made = setup({ answer: () => 500, retry: hourly })
    const transport = fakeTransport(() => 500)
    const { store, clock } = made
    const other = createWebhooks({
      store,
      transport,
      clock,
      logger: quietLogger,
      retry: hourly,
      random: () => 0,
    })
    const { subscription } = await made.subscribe()
    for (let n = 0; n < 5; n++) {
      await made.webhooks.publish('a', { n }, acme)
      await (n % 2 === 0 ? made.webhooks : other).drain()
      await clock.advance(2_500)
    }
    expect(await other.subscriptions.get(subscription.id, acme)).toMatchObject({ pausedBy: 'breaker' })
    await other.publish('a', { n: 5 }, acme)
    await other.drain()
    expect(transport.requests.length + made.transport.requests.length).toBe(5)
  })

  it('is ended by a success that another process saw', async () => {
    const made = setup({ answer: () => 500, retry: hourly })
    const transport = fakeTransport(() => 200)
    const { store, clock } = made
    const other = createWebhooks({
      store,
      transport,
      clock,
      logger: quietLogger,
      retry: hourly,
      random: () => 0,
    })
    const { subscription } = await made.subscribe()
    for (let n = 0; n < 8; n++) {
      await made.webhooks.publish('a', { n }, acme)
      await (n === 4 ? other : made.webhooks).drain()
      await clock.advance(2_500)
    }
    expect(await other.subscriptions.get(subscription.id, acme)).toMatchObject({ state: 'active' })
  })
})

describe('while it is open', () => {
  it('deliveries are held without being touched, old and new ones', async () => {
    const { webhooks, transport, clock } = await brokenAfter(5, 2_500)
    for (let n = 0; n < 20; n++) await webhooks.publish('a', { n }, acme)
    await webhooks.drain()
    await clock.advance(20_000)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(5)
    const { items } = await webhooks.deliveries.list({ ...acme, limit: 100 })
    expect(items.map(({ held, state }) => [held, state])).toEqual(Array(25).fill([true, 'pending']))
    expect(items.filter(({ attemptCount }) => attemptCount === 0)).toHaveLength(20)
  })

  it('one probe goes out at 30 s, 1 min, 2 min … 1 h, and uses one attempt of its delivery', async () => {
    const { webhooks, transport, clock, read } = await brokenAfter(5, 2_500)
    const times: number[] = []
    const opened = (await read()).breaker?.openedAt.getTime() ?? 0
    let last = opened
    for (let minute = 0; minute < 60 * 6; minute++) {
      for (let part = 0; part < 6; part++) {
        await webhooks.drain()
        if (transport.requests.length > 5 + times.length) {
          times.push((clock.now() - last) / 1_000)
          last = clock.now()
        }
        await clock.advance(10_000 - ((clock.now() - opened) % 10_000))
      }
    }
    expect(times.slice(0, 9)).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
    const { items } = await webhooks.attempts.list({ ...acme, limit: 100 })
    expect(items.filter(({ trigger }) => trigger === 'probe')).toHaveLength(times.length)
    expect(await read()).toMatchObject({ breaker: { probes: times.length } })
  })

  it('two processes send one probe between them', async () => {
    const made = await brokenAfter(5, 2_500)
    const transport = fakeTransport(() => 500)
    const { store, clock } = made
    const other = createWebhooks({
      store,
      transport,
      clock,
      logger: quietLogger,
      retry: hourly,
      random: () => 0,
    })
    await clock.advance(30_000)
    await Promise.all([made.webhooks.drain(), other.drain(), made.webhooks.drain(), other.drain()])
    expect(made.transport.requests.length + transport.requests.length).toBe(6)
  })

  it("a probe never lifts a user's pause", async () => {
    const { webhooks, transport, clock, read, id } = await brokenAfter(5, 2_500)
    await webhooks.subscriptions.pause(id, acme)
    transport.answer(() => 200)
    for (let n = 0; n < 10; n++) {
      await clock.advance(60_000)
      await webhooks.drain()
    }
    expect(transport.requests).toHaveLength(5)
    expect(await read()).toMatchObject({ state: 'paused', pausedBy: 'user', breaker: null })
  })

  it('the maximum age ends a held delivery as expired', async () => {
    const { webhooks, clock } = await brokenAfter(5, 2_500, { maxAgeMs: 60_000 })
    await webhooks.publish('late', {}, acme)
    await webhooks.drain()
    await clock.advance(60_000)
    await webhooks.drain()
    const { items } = await webhooks.deliveries.list({ ...acme, type: 'late' })
    expect(items).toMatchObject([{ state: 'failed', reason: 'expired', attemptCount: 0 }])
  })
})

describe('a successful probe', () => {
  it('closes it, and the backlog goes out in order at a growing pace', async () => {
    const { webhooks, transport, clock, read, changes } = await brokenAfter(5, 2_500)
    for (let n = 5; n < 105; n++) await webhooks.publish('a', { n }, acme)
    await webhooks.drain()
    transport.answer(() => 200)
    await clock.advance(30_000)
    const perSecond: number[] = []
    for (let second = 0; second < 6; second++) {
      const before = transport.requests.length
      await webhooks.drain()
      for (let part = 0; part < 10; part++) {
        await clock.advance(100)
        await webhooks.drain()
      }
      perSecond.push(transport.requests.length - before)
    }
    expect(await read()).toMatchObject({ state: 'active', pausedBy: null, breaker: null, failingSince: null })
    expect(changes).toEqual(['created', 'paused', 'resumed'])
    const [first = 0, second = 0, third = 0] = perSecond
    expect(first).toBeLessThan(20)
    expect(second).toBeGreaterThan(first / 2)
    expect(third).toBeGreaterThan(second)
    expect(transport.requests).toHaveLength(5 + 105)
    const sent = transport.requests
      .slice(5)
      .map(({ body }) => JSON.parse(new TextDecoder().decode(body)).data.n)
    expect(sent).toEqual(Array.from({ length: 105 }, (_, n) => n))
  })

  it('can be a straggler or a test', async () => {
    const { webhooks, transport, read, id } = await brokenAfter(5, 2_500)
    transport.answer(() => 200)
    await webhooks.subscriptions.test(id, acme)
    await webhooks.drain()
    expect(await read()).toMatchObject({ state: 'active' })
    await webhooks.drain()
    expect(transport.requests.length).toBeGreaterThan(6)
  })
})

describe('the arithmetic', () => {
  const { pace } = policyOf({})

  it('doubles the wait between probes up to an hour, for ever', () => {
    let breaker = { cause: 'failing', openedAt: 0, probes: 0, nextProbeAt: 30_000 } as const as Parameters<
      typeof afterProbe
    >[0]
    for (let n = 0; n < 200; n++) breaker = afterProbe(breaker, 0, pace)
    expect(breaker).toMatchObject({ probes: 200, nextProbeAt: 3_600_000 })
  })

  it('doubles the pace each second, then lets go', () => {
    const counts = [0, 1, 2, 7].map(
      (second) => paceOf({ recovery: { since: 0 } }, second * 1_000, pace)?.count,
    )
    expect(counts).toEqual([5, 10, 20, 640])
    expect(paceOf({ recovery: { since: 0 } }, 8_000, pace)).toBeNull()
    expect(paceOf({}, 0, pace)).toBeNull()
  })

  it('forgets what is older than the window', () => {
    const window = createWindow(300_000)
    const policy = policyOf({})
    for (let n = 0; n < 10; n++) window.add(n * 2_000, true)
    expect(isTooMuch(window.tally(20_000), policy)).toBe(true)
    expect(isTooMuch(window.tally(320_000), policy)).toBe(false)
    expect(window.isEmpty(700_000)).toBe(true)
  })
})
