/** Breaker, pauses and notices over real databases, driven by the manual clock, with two processes where they could get into each other's way. */
import { describe, expect, it } from 'vitest'
import type { NoticeReport } from '../../src/hooks.ts'
import { schedule } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { describeOnEach } from '../support/each-database.ts'
import { decode, neighbour, seconds } from '../support/shared-limits.ts'

const acme = { tenantId: 'acme' }
const hourly = schedule(Array(100).fill('1h'), { jitter: 0 })
const OPENING = [0, 1, 2, 3, 4]

describeOnEach((setupOn) => {
  /** A subscription whose breaker two processes have opened together. */
  async function broken(options: Parameters<typeof setupOn>[0] = {}) {
    const made = await setupOn({ answer: () => 500, retry: hourly, ...options })
    const other = neighbour(made, { retry: hourly, ...options, transport: made.transport })
    const { subscription } = await made.subscribe()
    for (const n of OPENING) {
      await made.webhooks.publish('a', { n }, acme)
      await (n % 2 === 0 ? made.webhooks : other.webhooks).drain()
      await made.clock.advance(2_500)
    }
    const read = () => made.webhooks.subscriptions.get(subscription.id, acme)
    const both = () => Promise.all([made.webhooks.drain(), other.webhooks.drain()])
    return { ...made, other: other.webhooks, read, both, id: subscription.id }
  }

  describe('the breaker', () => {
    it('is opened by failures that two processes saw, and holds what comes', async () => {
      const { webhooks, transport, read, both } = await broken()
      expect(await read()).toMatchObject({
        state: 'paused',
        pausedBy: 'breaker',
        breaker: { cause: 'failing' },
      })
      for (let n = 0; n < 10; n++) await webhooks.publish('a', { n }, acme)
      await both()
      expect(transport.requests).toHaveLength(OPENING.length)
      const { items } = await webhooks.deliveries.list({ ...acme, limit: 100 })
      expect(items.map(({ held, state }) => [held, state])).toEqual(Array(15).fill([true, 'pending']))
    })

    it('stays shut where a success of another process came between', async () => {
      const made = await setupOn({ answer: () => 500, retry: hourly })
      const other = neighbour(made, { retry: hourly, transport: fakeTransport(() => 200) })
      const { subscription } = await made.subscribe()
      for (let n = 0; n < 8; n++) {
        await made.webhooks.publish('a', { n }, acme)
        await (n === 4 ? other.webhooks : made.webhooks).drain()
        await made.clock.advance(2_500)
      }
      expect(await made.webhooks.subscriptions.get(subscription.id, acme)).toMatchObject({ state: 'active' })
    })

    it('is opened by a share of failures of which no process alone saw enough, and forgets it when resumed', async () => {
      const made = await setupOn({ retry: hourly })
      made.transport.answer((_request, nth) => (nth % 4 === 0 ? 200 : 500))
      const options = { retry: hourly, transport: made.transport }
      const processes = [made, ...Array.from({ length: 5 }, () => neighbour(made, options))]
      // Nothing is left to be retried, so that nothing old fails again later.
      const { subscription } = await made.subscribe('acme', { retry: 'never' })
      const read = () => made.webhooks.subscriptions.get(subscription.id, acme)
      let published = 0
      // Nine attempts each at most: one less than the rule wants.
      for (; published < 54 && (await read()).state === 'active'; published++) {
        await made.webhooks.publish('a', {}, acme)
        await processes[published % 6]?.webhooks.drain()
        await made.clock.advance(10_000)
      }
      expect(await read()).toMatchObject({ pausedBy: 'breaker', breaker: { cause: 'failing' } })
      expect(published).toBeGreaterThan(9)
      await made.webhooks.subscriptions.resume(subscription.id, acme)
      made.transport.answer(() => 500)
      for (let n = 0; n < 2; n++) {
        await made.webhooks.publish('b', {}, acme)
        await processes[n]?.webhooks.drain()
        await made.clock.advance(6_000)
      }
      expect(await read()).toMatchObject({ state: 'active' })
    })

    it('sends one probe of two processes, after 30 s, 1 min, 2 min', async () => {
      const { transport, clock, read, both } = await broken()
      for (const [index, wait] of [27_500, 60_000, 120_000].entries()) {
        await clock.advance(wait - 1)
        await both()
        expect(transport.requests).toHaveLength(OPENING.length + index)
        await clock.advance(1)
        await both()
        expect(transport.requests).toHaveLength(OPENING.length + index + 1)
      }
      expect(await read()).toMatchObject({ breaker: { probes: 3 } })
    })

    it('closes after a success: what was held goes out once, at a growing pace', async () => {
      const { webhooks, transport, clock, read, both } = await broken()
      for (let n = OPENING.length; n < 45; n++) await webhooks.publish('a', { n }, acme)
      await both()
      transport.answer(() => 200)
      await clock.advance(30_000)
      const perSecond: number[] = []
      for (let second = 0; second < 6; second++) {
        const before = transport.requests.length
        for (let part = 0; part < 5; part++) {
          await both()
          await clock.advance(200)
        }
        perSecond.push(transport.requests.length - before)
      }
      expect(await read()).toMatchObject({ state: 'active', breaker: null, failingSince: null })
      expect(perSecond[0]).toBeLessThan(20)
      const sent = transport.requests.slice(OPENING.length).map((request) => decode(request).n)
      expect(sent).toHaveLength(45)
      expect([...sent].sort((a, b) => a - b)).toEqual(Array.from({ length: 45 }, (_, n) => n))
    })

    it("never lifts a user's pause, and lets what is too old expire", async () => {
      const { webhooks, transport, clock, read, both, id } = await broken({ maxAgeMs: 120_000 })
      await webhooks.subscriptions.pause(id, acme)
      transport.answer(() => 200)
      for (let minute = 0; minute < 3; minute++) {
        await clock.advance(60_000)
        await both()
      }
      expect(transport.requests).toHaveLength(OPENING.length)
      expect(await read()).toMatchObject({ state: 'paused', pausedBy: 'user', breaker: null })
      const { items } = await webhooks.deliveries.list({ ...acme, limit: 100 })
      expect(items.map(({ reason }) => reason)).toEqual(Array(OPENING.length).fill('expired'))
    })

    it('obeys Retry-After for the whole subscription', async () => {
      const made = await setupOn({
        answer: (_request, nth) => (nth === 1 ? { status: 429, headers: { 'retry-after': '60' } } : 200),
        retry: seconds,
      })
      await made.subscribe()
      await made.webhooks.publish('a', { n: 0 }, acme)
      await made.webhooks.drain()
      for (let n = 1; n < 4; n++) await made.webhooks.publish('a', { n }, acme)
      await made.clock.advance(59_999)
      await made.webhooks.drain()
      expect(made.transport.requests).toHaveLength(1)
      await made.clock.advance(1)
      await made.webhooks.drain()
      expect(made.transport.requests).toHaveLength(5)
    })
  })

  it('leaves the revision that people see to people: a conflict because the breaker had written', async () => {
    const made = await setupOn({ answer: () => 500, retry: hourly })
    const { subscription } = await made.subscribe()
    const { id, revision } = subscription
    const read = () => made.webhooks.subscriptions.get(id, acme)
    const change = (description: string, ifRevision: number) =>
      made.webhooks.subscriptions.update(id, { description }, { ...acme, ifRevision })
    for (const n of OPENING) {
      await made.webhooks.publish('a', { n }, acme)
      await made.webhooks.drain()
      await made.clock.advance(2_500)
    }
    expect(await read()).toMatchObject({ pausedBy: 'breaker', revision })
    expect(await change('first', revision)).toMatchObject({ revision: revision + 1, pausedBy: 'breaker' })
    await made.clock.advance(30_000)
    await made.webhooks.drain()
    expect(await read()).toMatchObject({ breaker: { probes: 1 }, revision: revision + 1 })
    await expect(change('late', revision)).rejects.toMatchObject({ code: 'CONFLICT' })
    made.transport.answer(() => 200)
    await made.clock.advance(60_000)
    for (let second = 0; second < 3; second++) {
      await made.webhooks.drain()
      await made.clock.advance(1_000)
    }
    expect(await read()).toMatchObject({ state: 'active', description: 'first', revision: revision + 1 })
    await made.webhooks.subscriptions.pause(id, acme)
    expect(await made.webhooks.subscriptions.resume(id, acme)).toMatchObject({ revision: revision + 3 })
  })

  it('tells the owner once, whichever process sees it, and disables after days of failures', async () => {
    const notices: NoticeReport[] = []
    const hooks = { noticed: (notice: NoticeReport) => notices.push(notice) }
    const { read, clock, both, webhooks } = await broken({ hooks, disableAfter: { spanMs: 4 * 3_600_000 } })
    for (let quarter = 0; quarter < 5 * 4; quarter++) {
      await webhooks.publish('a', {}, acme)
      await clock.advance(900_000)
      await both()
    }
    expect(await read()).toMatchObject({ state: 'disabled', disabledReason: 'failing' })
    const told = notices.map((one) => (one.notice === 'still-failing' ? one.percent : one.notice))
    expect(told).toEqual(['failing', 25, 50, 75, 'disabled'])
  })
})
