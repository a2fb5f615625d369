/** Order, rate and concurrency over real databases, driven by the manual clock, by two processes at a time. */
import { describe, expect, it, vi } from 'vitest'
import { describeOnEach } from '../support/each-database.ts'
import { decode, gate, neighbour, seconds } from '../support/shared-limits.ts'

const acme = { tenantId: 'acme' }

describeOnEach((setupOn) => {
  describe('order', () => {
    it('holds between two processes, also across retries', async () => {
      const made = await setupOn({ retry: seconds, breaker: false })
      const other = neighbour(made, { retry: seconds, breaker: false, transport: made.transport })
      const sent: string[] = []
      made.transport.answer((request) => {
        const { key, n } = decode(request)
        sent.push(`${key}${n}`)
        return sent.length % 5 === 3 ? 500 : 200
      })
      await made.subscribe('acme', { ordering: 'key' })
      for (let n = 0; n < 8; n++) {
        for (const key of ['x', 'y', 'z'])
          await made.webhooks.publish('a', { key, n }, { ...acme, orderingKey: key })
      }
      await vi.waitFor(
        async () => {
          await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
          await made.clock.advance(1_000)
          expect(new Set(sent).size).toBe(24)
        },
        { timeout: 20_000, interval: 1 },
      )
      for (const key of ['x', 'y', 'z']) {
        const first = [...new Set(sent)].filter((one) => one.startsWith(key))
        expect(first).toEqual(Array.from({ length: 8 }, (_, n) => `${key}${n}`))
      }
    })

    it('lets other keys go on while one waits, and stops the line where that is asked', async () => {
      const made = await setupOn({
        retry: seconds,
        answer: (request) => (decode(request).key === 'x' ? 500 : 200),
      })
      await made.subscribe('acme', { ordering: 'key' })
      for (let n = 0; n < 3; n++) {
        for (const key of ['x', 'y'])
          await made.webhooks.publish('a', { key, n }, { ...acme, orderingKey: key })
      }
      await made.webhooks.drain()
      const sent = made.transport.requests.map((request) => `${decode(request).key}${decode(request).n}`)
      expect(sent.sort()).toEqual(['x0', 'y0', 'y1', 'y2'])

      const line = { ordering: 'subscription', retry: 'never', onGivenUp: 'stop' }
      const { subscription } = await made.subscribe('other', line)
      for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { key: 'x', n }, { tenantId: 'other' })
      await made.webhooks.drain()
      const { items } = await made.webhooks.attempts.list({ tenantId: 'other' })
      expect(items).toHaveLength(1)
      expect(await made.webhooks.subscriptions.get(subscription.id, { tenantId: 'other' })).toMatchObject({
        state: 'paused',
        pausedBy: 'user',
      })
    })
  })

  describe('limits', () => {
    it('of rate are shared by two processes, retries included', async () => {
      const made = await setupOn({ answer: () => 500, retry: seconds, breaker: false })
      const other = neighbour(made, { retry: seconds, breaker: false, transport: made.transport })
      await made.subscribe('acme', { rate: { count: 1, perMs: 10_000 } })
      for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, acme)
      for (let second = 0; second < 40; second++) {
        await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
        await made.clock.advance(1_000)
      }
      expect(made.transport.requests).toHaveLength(4)
    })

    it('of concurrency bound what two processes have in flight', async () => {
      const { open, answer } = gate()
      const made = await setupOn({ answer })
      const other = neighbour(made, { transport: made.transport })
      await made.subscribe('acme', { concurrency: 3 })
      for (let n = 0; n < 8; n++) await made.webhooks.publish('a', { n }, acme)
      const drains: Promise<void>[] = []
      let peak = 0
      for (let answered = 0; answered < 8; answered++) {
        const next = async () => {
          // A drain ends when nothing is due, also where the other process has the slots.
          if (open.length === answered) drains.push(made.webhooks.drain(), other.webhooks.drain())
          await made.clock.advance(50)
          expect(open.length).toBeGreaterThan(answered)
        }
        await vi.waitFor(next, { timeout: 15_000, interval: 20 })
        peak = Math.max(peak, open.length - answered)
        open[answered]?.(200)
      }
      await Promise.all(drains)
      expect(peak).toBeLessThanOrEqual(3)
      expect(peak).toBeGreaterThan(1)
      expect(open).toHaveLength(8)
    })

    it('of a tenant are shared by its receivers and by two processes, and leave other tenants alone', async () => {
      const tenantLimits = (id: string) => (id === 'small' ? { rate: { count: 3, perMs: 60_000 } } : null)
      const made = await setupOn({ tenantLimits })
      const other = neighbour(made, { tenantLimits, transport: made.transport })
      for (const tenantId of ['small', 'small', 'big']) await made.subscribe(tenantId)
      for (let n = 0; n < 4; n++) {
        for (const tenantId of ['small', 'big']) await made.webhooks.publish('a', { n }, { tenantId })
      }
      await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
      expect(made.transport.requests).toHaveLength(3 + 4)
      await made.clock.advance(60_000)
      await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
      expect(made.transport.requests).toHaveLength(6 + 4)
    })
  })
})
