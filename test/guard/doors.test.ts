/** Every door: the public calls that take a URL or send to one, and rows whose URL is denied by now. */
import { describe, expect, it } from 'vitest'
import { setup } from '../support/setup.ts'
import { corpusCases } from './cases.ts'

/** Denied without a look-up, by the policy of `createWebhooks` with `allowHttp`. */
const denied = corpusCases.filter(
  ({ allowed, resolves, options }) => !allowed && resolves === undefined && Object.keys(options).length === 1,
)

describe('every door', () => {
  it.each(denied.map(({ id, url }) => [id, url] as const))('%s: refuses %j', async (_id, url) => {
    const { webhooks, subscribe, store, transport } = setup({ allowHttp: true })
    const scope = { tenantId: 'acme' }
    const refused = { code: 'INVALID_URL' }
    await expect(subscribe('acme', { url })).rejects.toMatchObject(refused)
    const { subscription } = await subscribe()
    await expect(webhooks.subscriptions.update(subscription.id, { url }, scope)).rejects.toMatchObject(
      refused,
    )
    await expect(webhooks.publish('a', {}, { ...scope, to: { url } })).rejects.toMatchObject(refused)
    expect((await webhooks.events.list(scope)).items).toEqual([])

    await store.updateSubscription('acme', subscription.id, { url }, {})
    await webhooks.publish('a', {}, scope)
    await webhooks.subscriptions.test(subscription.id, scope)
    await webhooks.drain()
    const { items } = await webhooks.deliveries.list(scope)
    for (const { id } of items) await webhooks.deliveries.redeliver(id, scope)
    await webhooks.drain()
    const attempts = (await webhooks.attempts.list(scope)).items
    expect(attempts.length).toBeGreaterThanOrEqual(4)
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        failure: 'blocked',
        message: 'The target of this request is not allowed.',
        status: null,
        excerpt: null,
        mayHaveBeenReceived: false,
      })
    }
    expect(transport.requests).toEqual([])
  })

  it.each(denied.map(({ id, url }) => [id, url] as const))(
    '%s: nothing goes to %j that was stored before it was denied, however it is sent again',
    async (_id, url) => {
      const { webhooks, subscribe, store, transport } = setup({
        allowHttp: true,
        retry: { delaysMs: [], jitter: 0 },
      })
      const scope = { tenantId: 'acme' }
      transport.answer(() => 500)
      const { subscription } = await subscribe()
      const ofIt = { ...scope, subscription: subscription.id, since: new Date(0) }
      await webhooks.publish('a', {}, scope)
      await webhooks.drain()
      expect(transport.requests).toHaveLength(1)
      await store.updateSubscription('acme', subscription.id, { url }, {})

      const doors: readonly (() => Promise<unknown>)[] = [
        () => webhooks.deliveries.retryAll(ofIt),
        () => webhooks.deliveries.replay(ofIt),
        () => webhooks.deliveries.replay({ ...ofIt, succeededToo: true }),
        async () => {
          await webhooks.subscriptions.pause(subscription.id, scope)
          await webhooks.publish('held.by.pause', {}, scope)
          await webhooks.drain()
          await webhooks.subscriptions.resume(subscription.id, scope)
        },
        async () => {
          await webhooks.subscriptions.pause(subscription.id, scope)
          await webhooks.publish('held.till.enabled', {}, scope)
          await webhooks.drain()
          await webhooks.subscriptions.disable(subscription.id, scope)
          await webhooks.subscriptions.enable(subscription.id, scope)
        },
        async () => {
          await webhooks.subscriptions.disable(subscription.id, scope)
          await webhooks.publish('missed', {}, scope)
          await webhooks.drain()
          await webhooks.subscriptions.enable(subscription.id, scope)
          await webhooks.deliveries.replayMissing(ofIt)
        },
      ]
      const attempts = async () => (await webhooks.attempts.list(scope)).items
      for (const [door, open] of doors.entries()) {
        const before = (await attempts()).length
        await open()
        await webhooks.drain()
        expect((await attempts()).length, `door ${door} sends`).toBeGreaterThan(before)
      }
      expect((await attempts()).filter(({ failure }) => failure !== 'blocked')).toHaveLength(1)
      expect(transport.requests).toHaveLength(1)
    },
  )

  it.each(denied.map(({ id, url }) => [id, url] as const))(
    '%s: nobody asks %j for consent',
    async (_id, url) => {
      for (const verifyEndpoint of ['challenge', 'cloudevents'] as const) {
        const { webhooks, subscribe, store, transport } = setup({ allowHttp: true, verifyEndpoint })
        const scope = { tenantId: 'acme' }
        await expect(subscribe('acme', { url })).rejects.toMatchObject({ code: 'INVALID_URL' })
        const { subscription } = await subscribe()
        const moved = webhooks.subscriptions.update(subscription.id, { url }, scope)
        await expect(moved).rejects.toMatchObject({ code: 'INVALID_URL' })
        expect(transport.requests).toHaveLength(1)
        await store.updateSubscription('acme', subscription.id, { url }, {})
        const enabled = webhooks.subscriptions.enable(subscription.id, scope)
        await expect(enabled).rejects.toMatchObject({ code: 'CONFLICT' })
        expect(transport.requests).toHaveLength(1)
      }
    },
  )

  it('says at create which option would allow localhost', async () => {
    const { subscribe } = setup({ allowHttp: true })
    const refused = subscribe('acme', { url: 'http://localhost:3000/' })
    await expect(refused).rejects.toThrow("allowHosts: ['localhost']")
    await expect(subscribe('acme', { url: 'http://127.0.0.1:3000/' })).rejects.toThrow('allowCidrs')
  })
})
