/** What answers mean, beyond success and retry: pauses, wishes of the receiver, the host's own rule, at most once. */
import { describe, expect, it } from 'vitest'
import { schedule } from '../../src/index.ts'
import { acme, published } from '../support/published.ts'
import { setup } from '../support/setup.ts'

describe('429 and 503', () => {
  it.each([429, 503])('%i paces the whole subscription for as long as Retry-After asks', async (status) => {
    const made = await published((nth) => (nth === 1 ? { status, headers: { 'retry-after': '60' } } : 200))
    const { webhooks, transport, clock } = made
    expect(await made.subscriptionNow()).toMatchObject({
      state: 'paused',
      pausedBy: 'breaker',
      breaker: { cause: 'throttled', nextProbeAt: new Date(clock.now() + 60_000) },
    })
    for (let n = 1; n < 4; n++) await webhooks.publish('a', { n }, acme)
    await clock.advance(59_999)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    await clock.advance(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(5)
    expect(await made.subscriptionNow()).toMatchObject({ state: 'active', breaker: null })
  })

  it('pause it for the wait of the schedule when no time is named, a minute at most', async () => {
    const short = await published((nth) => (nth === 1 ? 503 : 200))
    expect((await short.subscriptionNow()).breaker?.nextProbeAt).toEqual(new Date(short.clock.now() + 5_000))
    const long = await published(() => 503, { retry: schedule(['2h'], { jitter: 0 }) })
    expect((await long.subscriptionNow()).breaker?.nextProbeAt).toEqual(new Date(long.clock.now() + 60_000))
  })

  it('never pause it for more than 24 hours, and put a probe off that comes too soon', async () => {
    const made = await published(() => ({ status: 429, headers: { 'retry-after': '9999999999' } }))
    expect((await made.subscriptionNow()).breaker?.nextProbeAt).toEqual(
      new Date(made.clock.now() + 86_400_000),
    )
    const probed = await published(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
    await probed.clock.advance(3_600_000)
    await probed.webhooks.drain()
    expect(probed.transport.requests).toHaveLength(2)
    expect((await probed.subscriptionNow()).breaker?.nextProbeAt).toEqual(
      new Date(probed.clock.now() + 3_600_000),
    )
  })

  it('pause it with the breaker off, too; other failures do not', async () => {
    const off = { breaker: false } as const
    expect(await (await published(() => 503, off)).subscriptionNow()).toMatchObject({ state: 'paused' })
    expect(await (await published(() => 500, off)).subscriptionNow()).toMatchObject({ state: 'active' })
  })

  it.each([429, 503])('%i slows down nothing but its delivery with `throttle: delivery`', async (status) => {
    const asked = { status, headers: { 'retry-after': '60' } }
    const made = await published((nth) => (nth === 1 ? asked : 200), { throttle: 'delivery' })
    expect(await made.subscriptionNow()).toMatchObject({ state: 'active', breaker: null })
    await made.webhooks.publish('a', { n: 1 }, acme)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(2)
    await made.clock.advance(59_999)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(2)
    await made.clock.advance(1)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(3)
  })
})

describe('the statuses of test 37', () => {
  const others = [...Array(200).keys()].map((index) => 400 + index).filter((status) => status !== 410)

  it('200 to 299 succeed, 300 to 399 fail and are not followed, 410 disables', async () => {
    const run = async (status: number) => {
      const made = await published(() => ({ status, headers: { location: 'https://elsewhere.example/' } }))
      const [delivery] = await made.deliveries()
      return { state: delivery?.state, requests: made.transport.requests.length, made }
    }
    for (let status = 200; status < 300; status += 7) expect((await run(status)).state).toBe('succeeded')
    for (let status = 300; status < 309; status++) {
      expect(await run(status)).toMatchObject({ state: 'pending', requests: 1 })
    }
    for (const status of others.filter((_, index) => index % 17 === 0)) {
      expect((await run(status)).state).toBe('pending')
    }
    const gone = await run(410)
    expect(gone.state).toBe('failed')
    expect(await gone.made.subscriptionNow()).toMatchObject({ state: 'disabled', disabledReason: 'gone' })
  })

  const now = Date.UTC(2026, 0, 1)
  const dates = [-60_000, 3_600_000, 10 * 365 * 86_400_000].map((ms) => new Date(now + ms).toUTCString())
  const values = [
    '0',
    '5',
    '-1',
    '1e9',
    '9999999999',
    '99999999999999999999',
    'NaN',
    '5.5',
    '5,7',
    '',
    'Mon, 99',
  ]
  const asked: Record<string, number> = { '0': 0, '5': 5_000, [dates[1] ?? '']: 3_600_000 }
  const endless = ['9999999999', '99999999999999999999', dates[2]]

  it.each([...values, ...dates])(
    'Retry-After %j: the next attempt is never earlier than asked nor later than 1.2 times',
    async (value) => {
      for (const status of [429, 503]) {
        const made = await published(
          (nth) => (nth === 1 ? { status, headers: { 'retry-after': value } } : 200),
          {
            retry: schedule(['5s'], { jitter: 0.2 }),
            random: () => 0.9,
          },
        )
        const wanted = Math.max(5_000, endless.includes(value) ? 86_400_000 : (asked[value] ?? 0))
        await made.clock.advance(wanted - 1)
        await made.webhooks.drain()
        expect(made.transport.requests).toHaveLength(1)
        await made.clock.advance(wanted * 0.2 + 1)
        await made.webhooks.drain()
        expect(made.transport.requests).toHaveLength(2)
      }
    },
  )
})

describe('410 with `gone: retry`', () => {
  it('is a failure like any other, which the schedule tries again', async () => {
    const made = await published((nth) => (nth === 1 ? 410 : 200), { gone: 'retry' })
    expect(await made.subscriptionNow()).toMatchObject({ state: 'active' })
    expect(await made.deliveries()).toMatchObject([{ state: 'pending' }])
    await made.clock.advance(5_000)
    await made.webhooks.drain()
    expect(await made.deliveries()).toMatchObject([{ state: 'succeeded', attemptCount: 2 }])
  })
})

describe('webhook-delivery', () => {
  const wish =
    (value: string, status = 500) =>
    () => ({ status, headers: { 'webhook-delivery': value } })

  it('abort-message ends the delivery, disable ends the subscription, once it is opted in', async () => {
    const opted = { obeyDeliveryHeader: true }
    const aborted = await published(wish('abort-message'), opted)
    expect(await aborted.deliveries()).toMatchObject([
      { state: 'failed', reason: 'refused', attemptCount: 1 },
    ])
    expect(await aborted.subscriptionNow()).toMatchObject({ state: 'active' })
    for (const status of [200, 500]) {
      const disabled = await published(wish(' Disable ', status), opted)
      expect(await disabled.deliveries()).toMatchObject([{ state: status === 200 ? 'succeeded' : 'failed' }])
      expect(await disabled.subscriptionNow()).toMatchObject({ state: 'disabled', disabledReason: 'gone' })
    }
  })

  it('means nothing by default, nor any other value', async () => {
    expect(await (await published(wish('disable'))).deliveries()).toMatchObject([{ state: 'pending' }])
    const other = await published(wish('later'), { obeyDeliveryHeader: true })
    expect(await other.deliveries()).toMatchObject([{ state: 'pending' }])
  })
})

describe("retry: 'never'", () => {
  it('makes one attempt, for a subscription or for an event', async () => {
    const never = await published(() => 500, {}, { retry: 'never' })
    expect(await never.deliveries()).toMatchObject([
      { state: 'failed', reason: 'exhausted', attemptCount: 1 },
    ])
    const made = setup({ answer: () => 500 })
    await made.subscribe()
    await made.webhooks.publish('a', {}, { ...acme, retry: 'never' })
    await made.webhooks.publish('b', {}, { ...acme, retry: schedule(['1s'], { jitter: 0 }) })
    await made.webhooks.drain()
    await made.clock.advance(1_000)
    await made.webhooks.drain()
    const { items } = await made.webhooks.deliveries.list(acme)
    // Both were made in one instant, so that their order is that of their ids.
    expect(
      items.map(({ eventType, attemptCount, reason }) => [eventType, attemptCount, reason]).sort(),
    ).toEqual([
      ['a', 1, 'exhausted'],
      ['b', 2, 'exhausted'],
    ])
  })

  it('sends nothing again after a worker was lost, because that may have sent it', async () => {
    const { store, clock, webhooks, transport, subscribe } = setup()
    await subscribe('acme', { retry: 'never' })
    await webhooks.publish('a', {}, acme)
    const lost = { token: 'lost', leaseMs: 30_000, limit: 10, perTenant: 10, perSubscription: 10 }
    expect((await store.claim({ ...lost, shares: new Map(), alone: false })).work).toHaveLength(1)
    await clock.advance(30_000)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    expect((await webhooks.deliveries.list(acme)).items).toMatchObject([
      { state: 'failed', reason: 'exhausted' },
    ])
  })

  it('refuses another word', async () => {
    const { subscribe, webhooks } = setup()
    await expect(subscribe('acme', { retry: 'once' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const publish = webhooks.publish('a', {}, { ...acme, retry: 'once' as never })
    await expect(publish).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('retryIf', () => {
  it('is asked about each failed attempt and can end the delivery as refused', async () => {
    const asked: unknown[] = []
    const made = await published((nth) => (nth === 1 ? 500 : { status: 422, excerpt: 'bad' }), {
      retryIf: (attempt) => {
        asked.push([attempt.number, attempt.status, attempt.kind, attempt.excerpt, attempt.eventType])
        return attempt.status !== 422
      },
    })
    await made.clock.advance(5_000)
    await made.webhooks.drain()
    expect(await made.deliveries()).toMatchObject([{ state: 'failed', reason: 'refused', attemptCount: 2 }])
    expect(asked).toEqual([
      [1, 500, 'status', '', 'a'],
      [2, 422, 'status', 'bad', 'a'],
    ])
  })

  it('may be asynchronous; one that throws is reported and changes nothing', async () => {
    const later = await published(() => 500, { retryIf: async () => false })
    expect(await later.deliveries()).toMatchObject([{ reason: 'refused' }])
    const problems: string[] = []
    const thrown = await published(() => 500, {
      hooks: { problem: ({ during }) => problems.push(during) },
      retryIf: () => {
        throw new Error('no')
      },
    })
    expect(await thrown.deliveries()).toMatchObject([{ state: 'pending' }])
    expect(problems).toEqual(['retryIf'])
  })
})
