/** The example of a custom store passes the conformance kit, and sends. */
import { describe, expect, it, test } from 'vitest'
import { type WatchedOperation, watchedStore } from '../../examples/custom-store/watched-store.ts'
import { createWebhooks } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport, heldTransaction, manualClock, storeConformance } from '../../src/testing/index.ts'

const cases = storeConformance(async () => {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  return {
    store: watchedStore(inner, () => {}, clock.monotonic),
    clock,
    transaction: () => heldTransaction<unknown>((work) => inner.transaction(work)),
  }
})

describe('watchedStore', () => {
  for (const conformance of cases) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }

  it('tells of each operation of a delivery', async () => {
    const told: WatchedOperation[] = []
    const store = watchedStore(memoryStore(), (operation) => told.push(operation))
    const webhooks = createWebhooks({ store, transport: fakeTransport() })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: 'https://example.com/hook' })
    await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const names = told.map(({ operation }) => operation)
    expect(names).toEqual(expect.arrayContaining(['insertSubscription', 'append', 'claim', 'record']))
    expect(told.every(({ succeeded, elapsedMs }) => succeeded && elapsedMs >= 0)).toBe(true)
  })

  it('tells of an operation that failed, and hands the error on', async () => {
    const told: WatchedOperation[] = []
    const broken = { ...memoryStore(), now: () => Promise.reject(new Error('the disk is full')) }
    await expect(watchedStore(broken, (one) => told.push(one)).now()).rejects.toThrow('the disk is full')
    expect(told).toMatchObject([{ operation: 'now', succeeded: false }])
  })
})
