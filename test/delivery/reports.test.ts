/** Each delivery that ends is told of, once, however it ended. */
import { describe, expect, it } from 'vitest'
import { createWebhooks, type EndedReport } from '../../src/index.ts'
import { quietLogger, setup } from '../support/setup.ts'

function telling(options: Parameters<typeof setup>[0] = {}) {
  const ended: EndedReport[] = []
  const hooks = { ended: (report: EndedReport) => void ended.push(report) }
  return { ...setup({ ...options, hooks }), ended, hooks }
}

describe('the hook `ended`', () => {
  it('is told once of a success that came after its claim was lost', async () => {
    const { webhooks, subscribe, clock, transport, ended, store, hooks } = telling()
    const { record } = store
    let open = () => {}
    const away = new Promise<void>((resolve) => {
      open = resolve
    })
    Object.assign(store, {
      record: async (...given: Parameters<typeof record>) => {
        await away
        return record(...given)
      },
    })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    const working = webhooks.start()
    await clock.advance(1_000)
    await working
    expect(transport.requests).toHaveLength(1)
    // Of another process, which knows nothing of what waits in this one.
    const other = createWebhooks({ store, transport, clock, logger: quietLogger, hooks })
    await other.start()
    await clock.advance(32_000)
    expect(transport.requests).toHaveLength(2)
    open()
    await clock.advance(0)
    expect(ended.map(({ state }) => state)).toEqual(['succeeded'])
    const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
    expect(items.map(({ late }) => late)).toEqual([true, true])
    await other.stop()
    await webhooks.stop()
  })

  it('is told of what the deletion of a subscription cancels that came after the cancelling before it', async () => {
    const { webhooks, subscribe, store, ended } = telling()
    const { subscription } = await subscribe('acme', { state: 'paused' })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const cancel = store.cancel.bind(store)
    Object.assign(store, { cancel: async () => [] })
    await webhooks.subscriptions.delete(subscription.id, { tenantId: 'acme' })
    Object.assign(store, { cancel })
    expect(ended).toMatchObject([{ state: 'cancelled', subscriptionId: subscription.id, eventType: 'a' }])
  })

  it('is told of what a successful test drops, and so are the statistics', async () => {
    const { webhooks, subscribe, transport, ended } = telling({
      answer: (_request, nth) => (nth === 1 ? 500 : 410),
    })
    const { subscription } = await subscribe()
    for (let n = 0; n < 2; n++) {
      await webhooks.publish('a', { n }, { tenantId: 'acme' })
      await webhooks.drain()
    }
    const pending = await webhooks.deliveries.list({ tenantId: 'acme', state: 'pending' })
    expect(pending.items).toHaveLength(1)
    transport.answer(() => 200)
    ended.length = 0
    await webhooks.subscriptions.test(subscription.id, { tenantId: 'acme', pending: 'drop' })
    await webhooks.drain()
    const cancelled = ended.filter(({ state }) => state === 'cancelled')
    expect(cancelled.map(({ deliveryId }) => deliveryId)).toEqual(pending.items.map(({ id }) => id))
    expect(await webhooks.stats({ tenantId: 'acme' })).toMatchObject({
      deliveries: { cancelled: 1 },
    })
  })

  it('is told of everything that is still held for a subscription that is gone', async () => {
    const { webhooks, subscribe, store, ended } = telling()
    const { subscription } = await subscribe('acme', { state: 'paused' })
    const events = Array.from({ length: 501 }, (_, n) => ({ type: 'a', data: n, tenantId: 'acme' }))
    await webhooks.publishMany(events)
    await webhooks.drain()
    Object.assign(store, { getSubscription: async () => null })
    await webhooks.drain()
    expect(ended).toHaveLength(501)
    expect(ended[500]).toMatchObject({ state: 'cancelled', subscriptionId: subscription.id })
  })
})
