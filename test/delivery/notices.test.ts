/** What the owner of a subscription is told, once each, and how a subscription that only fails is disabled. */
import { describe, expect, it } from 'vitest'
import type { NoticeReport } from '../../src/hooks.ts'
import { createWebhooks, schedule } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

const acme = { tenantId: 'acme' }
const HOUR = 3_600_000
const DAY = 24 * HOUR
const hourly = schedule(Array(100).fill('1h'), { jitter: 0 })

/** What a notice says, in short. */
const short = (notice: NoticeReport) =>
  notice.notice === 'still-failing' ? `${notice.notice} ${notice.percent}` : notice.notice

/** A sender whose notices are kept, with the hour at which each came. */
async function watched(options: Parameters<typeof setup>[0] = {}) {
  const notices: NoticeReport[] = []
  const made = setup({
    answer: () => 500,
    retry: hourly,
    hooks: { noticed: (notice) => notices.push(notice) },
    ...options,
  })
  const begun = made.clock.now()
  const { subscription } = await made.subscribe()
  const told = () =>
    notices.map((notice) => [short(notice), Math.round((notice.at.getTime() - begun) / HOUR)])
  const read = () => made.webhooks.subscriptions.get(subscription.id, acme)
  async function publish(type = 'a') {
    await made.webhooks.publish(type, {}, acme)
    await made.webhooks.drain()
  }
  /** Lets hours pass, with an event every sixth. */
  async function pass(hours: number) {
    for (let hour = 0; hour < hours; hour++) {
      if (hour % 6 === 0) await publish()
      await made.clock.advance(HOUR)
      await made.webhooks.drain()
    }
  }
  return { ...made, notices, told, read, publish, pass, id: subscription.id }
}

describe('a subscription that only fails', () => {
  it('is told of at the first failure, at 25, 50 and 75 % of 5 days, 24 hours before, and when it is disabled', async () => {
    const { told, pass, read, notices } = await watched()
    await pass(5 * 24 + 2)
    expect(told().filter(([notice]) => notice !== 'exhausted')).toEqual([
      ['failing', 0],
      ['still-failing 25', 30],
      ['still-failing 50', 60],
      ['still-failing 75', 90],
      ['disabling-soon', 96],
      ['disabled', 120],
    ])
    const after = await read()
    expect(after).toMatchObject({ state: 'disabled', disabledReason: 'failing', pausedBy: null })
    expect(after.disabledAt).not.toBeNull()
    const [first] = notices
    expect(first?.disablesAt?.getTime()).toBe((first?.failingSince?.getTime() ?? 0) + 5 * DAY)
    expect(first?.subscription.id).toBe(after.id)
    expect(notices.at(-1)?.disablesAt ?? null).toBeNull()
  })

  it('is told of in time although nothing is sent to it any more', async () => {
    const { clock, publish, told, read, webhooks } = await watched({ retry: schedule(Array(6).fill('1h')) })
    await publish()
    for (let hour = 0; hour < 6 * 24; hour++) {
      await clock.advance(HOUR)
      await webhooks.drain()
    }
    expect(told()).toEqual([
      ['failing', 0],
      ['exhausted', 6],
      ['still-failing 25', 30],
      ['still-failing 50', 60],
      ['still-failing 75', 90],
      ['disabling-soon', 96],
    ])
    expect(await read()).toMatchObject({ state: 'active' })
    await publish()
    expect(await read()).toMatchObject({ state: 'disabled', disabledReason: 'failing' })
  })

  it('is never disabled without a warning a day before, however late that comes', async () => {
    const { clock, publish, told, notices, read } = await watched({ retry: schedule([]) })
    for (let n = 0; n < 5; n++) await publish()
    await clock.advance(6 * DAY)
    await publish()
    const policyNotices = () => told().filter(([notice]) => notice !== 'exhausted')
    expect(policyNotices()).toEqual([
      ['failing', 0],
      ['still-failing 75', 144],
      ['disabling-soon', 144],
    ])
    expect(notices.at(-1)?.disablesAt?.getTime()).toBe((notices.at(-1)?.at.getTime() ?? 0) + DAY)
    await clock.advance(DAY - HOUR)
    await publish()
    expect(await read()).not.toMatchObject({ state: 'disabled' })
    await clock.advance(HOUR)
    await publish()
    expect(await read()).toMatchObject({ state: 'disabled', disabledReason: 'failing' })
    expect(policyNotices().at(-1)).toEqual(['disabled', 168])
  })

  it('is not disabled before it has failed five times', async () => {
    const { clock, webhooks, read, publish, told } = await watched({ retry: schedule([], { jitter: 0 }) })
    for (let day = 0; day < 4; day++) {
      await publish()
      await clock.advance(3 * DAY)
    }
    expect(await read()).toMatchObject({ state: 'active' })
    await publish()
    await webhooks.drain()
    expect(await read()).toMatchObject({ state: 'disabled', disabledReason: 'failing' })
    expect(told().filter(([notice]) => notice === 'exhausted')).toHaveLength(5)
  })

  it('is not disabled when that is switched off, and by other numbers when they are set', async () => {
    const off = await watched({ disableAfter: false })
    await off.pass(6 * 24)
    expect((await off.read()).state).not.toBe('disabled')
    expect(off.told().filter(([notice]) => notice !== 'exhausted')).toEqual([['failing', 0]])
    const early = await watched({ disableAfter: { spanMs: 2 * HOUR, attempts: 3 } })
    await early.pass(3)
    expect(await early.read()).toMatchObject({ state: 'disabled' })
  })

  it('begins anew with any success', async () => {
    const { pass, transport, told, read, clock, webhooks } = await watched()
    await pass(4 * 24)
    transport.answer(() => 204)
    await clock.advance(2 * HOUR)
    await webhooks.drain()
    expect(told().at(-1)?.[0]).toBe('recovered')
    expect(await read()).toMatchObject({ state: 'active', failingSince: null })
    transport.answer(() => 500)
    await pass(2 * 24)
    expect(await read()).not.toMatchObject({ state: 'disabled' })
    expect(told().filter(([notice]) => notice === 'failing')).toHaveLength(2)
  })
})

describe('a disabled subscription', () => {
  async function disabled() {
    const made = await watched({ disableAfter: { spanMs: 2 * HOUR, attempts: 3 } })
    await made.pass(3)
    expect(await made.read()).toMatchObject({ state: 'disabled' })
    made.transport.answer(() => 200)
    const before = made.transport.requests.length
    const sent = () => made.transport.requests.length - before
    return { ...made, sent }
  }

  it('gets no new events, and keeps what is pending', async () => {
    const { publish, sent, webhooks } = await disabled()
    await publish('new')
    expect(sent()).toBe(0)
    const { items } = await webhooks.deliveries.list({ ...acme, limit: 100 })
    expect(items.filter(({ eventType }) => eventType === 'new')).toEqual([])
    expect(items.every(({ state, held }) => state === 'pending' && held)).toBe(true)
  })

  it.each([
    ['send', 1],
    ['drop', 0],
  ] as const)('is enabled by hand, and what piled up: %s', async (pending, count) => {
    const { webhooks, id, sent, read, told } = await disabled()
    await webhooks.subscriptions.enable(id, { ...acme, pending })
    await webhooks.drain()
    expect(sent()).toBe(count)
    expect(await read()).toMatchObject({
      state: 'active',
      disabledReason: null,
      disabledAt: null,
      failingSince: null,
    })
    expect(told().filter(([notice]) => notice === 'recovered')).toEqual([])
  })

  it.each([
    ['send', 2],
    ['drop', 1],
  ] as const)('is enabled by a successful test, and what piled up: %s', async (pending, count) => {
    const { webhooks, id, sent, read } = await disabled()
    await webhooks.subscriptions.test(id, { ...acme, pending })
    await webhooks.drain()
    expect(sent()).toBe(count)
    expect(await read()).toMatchObject({ state: 'active', disabledReason: null })
    const { items } = await webhooks.deliveries.list({ ...acme, limit: 100 })
    expect(items.filter(({ state }) => state === 'pending')).toEqual([])
  })

  it('stays disabled when the test fails, and when its owner disabled it', async () => {
    const { webhooks, id, read, transport } = await disabled()
    transport.answer(() => 500)
    await webhooks.subscriptions.test(id, acme)
    await webhooks.drain()
    expect(await read()).toMatchObject({ state: 'disabled' })
    const own = await watched({ answer: () => 200 })
    await own.webhooks.subscriptions.disable(own.id, acme)
    await own.webhooks.subscriptions.test(own.id, acme)
    await own.webhooks.drain()
    expect(await own.read()).toMatchObject({ state: 'disabled', disabledReason: 'user' })
    await expect(
      own.webhooks.subscriptions.test(own.id, { ...acme, pending: 'x' as never }),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('is told of when the receiver said 410', async () => {
    const { publish, told } = await watched({ answer: () => 410 })
    await publish()
    expect(told()).toContainEqual(['disabled', 0])
  })
})

describe('a delivery that is given up', () => {
  it('is told of once, with its reason and what its owner can do', async () => {
    const { publish, notices, webhooks, clock } = await watched({
      answer: () => 404,
      retry: schedule(['1s'], { jitter: 0 }),
    })
    await publish()
    await clock.advance(1_000)
    await webhooks.drain()
    await webhooks.drain()
    const exhausted = notices.filter(({ notice }) => notice === 'exhausted')
    expect(exhausted).toMatchObject([
      {
        delivery: { eventType: 'a', reason: 'exhausted', attemptCount: 2 },
        advice: 'Nothing answers at this path: check the URL.',
      },
    ])
  })
})

describe('notices', () => {
  it('are told once by two processes over one store', async () => {
    const made = await watched()
    const transport = fakeTransport(() => 500)
    const { store, clock, notices } = made
    const hooks = { noticed: (notice: NoticeReport) => notices.push(notice) }
    const options = { store, transport, clock, hooks, retry: hourly, logger: quietLogger, random: () => 0 }
    const other = createWebhooks(options)
    for (let hour = 0; hour < 5 * 24 + 2; hour++) {
      if (hour % 2 === 0) await made.webhooks.publish('a', {}, acme)
      await Promise.all([made.webhooks.drain(), other.drain()])
      await clock.advance(HOUR)
    }
    const kinds = notices.map(short).filter((notice) => notice !== 'exhausted')
    expect(kinds).toEqual([
      ...['failing', 'still-failing 25', 'still-failing 50', 'still-failing 75'],
      ...['disabling-soon', 'disabled'],
    ])
    const given = notices.flatMap((notice) => (notice.notice === 'exhausted' ? [notice.delivery.id] : []))
    expect(new Set(given).size).toBe(given.length)
  })

  it("come as events of the tenant's own stream, of the type that the operator chose", async () => {
    const made = await watched({
      notices: { eventType: 'webhook.notice' },
      retry: schedule([], { jitter: 0 }),
    })
    await made.subscribe('acme', { url: 'https://ops.example/', events: ['webhook.notice'] })
    made.transport.answer((request) => (request.url.includes('ops') ? 200 : 500))
    await made.publish('a')
    await made.webhooks.drain()
    const received = made.transport.requests
      .filter((request) => request.url.includes('ops'))
      .map((request) => JSON.parse(new TextDecoder().decode(request.body)))
      .sort((one, other) => other.data.notice.localeCompare(one.data.notice))
    expect(received).toMatchObject([
      { type: 'webhook.notice', data: { notice: 'failing', subscriptionId: made.id, state: 'active' } },
      { type: 'webhook.notice', data: { notice: 'exhausted', delivery: { reason: 'exhausted' } } },
    ])
    expect(JSON.stringify(received)).not.toContain('secret')
  })

  it('never tell of notices that could not be delivered: that would go on for ever', async () => {
    const made = await watched({
      notices: { eventType: 'webhook.notice' },
      retry: schedule([], { jitter: 0 }),
    })
    await made.publish('a')
    for (let n = 0; n < 10; n++) await made.webhooks.drain()
    const { items } = await made.webhooks.events.list({ ...acme, type: 'webhook.notice' })
    expect(items).toHaveLength(2)
  })

  it('of a flickering receiver are bounded: a streak begins at most once a second', async () => {
    const { publish, told } = await watched({ answer: (_request, nth) => (nth % 2 === 0 ? 200 : 500) })
    for (let n = 0; n < 40; n++) await publish()
    expect(told().filter(([notice]) => notice === 'failing')).toHaveLength(1)
  })
})
