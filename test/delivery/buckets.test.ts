/** Workers that share out the tenants by bucket. */
import { describe, expect, it } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import { tenantBucket } from '../../src/patterns.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/index.ts'

const TENANTS = Array.from({ length: 40 }, (_, n) => `tenant-${n}`)

describe('the option `buckets`', () => {
  it('leaves the tenants of other buckets to the process that has them', async () => {
    const store = memoryStore()
    const halves = [
      { from: 0, to: 127 },
      { from: 128, to: 255 },
    ].map((buckets) => {
      const sent: string[] = []
      const transport = fakeTransport(({ url }) => {
        sent.push(new URL(url).pathname.slice(1))
        return 200
      })
      return { buckets, sent, webhooks: createWebhooks({ store, transport, buckets }) }
    })
    const [low, high] = halves
    if (low === undefined || high === undefined) throw new Error('two halves')
    await low.webhooks.start() // it publishes, and claims for itself what is its own
    for (const tenantId of TENANTS) {
      await low.webhooks.subscriptions.create({
        tenantId,
        url: `https://receiver.example/${tenantId}`,
        events: ['*'],
      })
      await low.webhooks.publish('order.paid', { tenantId }, { tenantId })
    }
    await low.webhooks.drain()
    expect(low.sent.length).toBeGreaterThan(0)
    await low.webhooks.stop()
    await high.webhooks.drain()
    for (const { buckets, sent } of halves) {
      const own = TENANTS.filter((tenantId) => {
        const bucket = tenantBucket(tenantId)
        return bucket >= buckets.from && bucket <= buckets.to
      })
      expect([...sent].sort()).toEqual([...own].sort())
    }
  })

  it('is checked at construction', () => {
    for (const buckets of [
      { from: 2, to: 1 },
      { from: -1, to: 4 },
      { from: 0, to: 256 },
      { from: 0 },
      [0, 4],
    ]) {
      expect(() => createWebhooks({ store: memoryStore(), buckets: buckets as never })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
  })
})
