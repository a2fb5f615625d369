/**
 * What is known and not stored yet. What was sent would be sent again after a crash, so it is never more than what may be in flight;
 * what was found out about a receiver is kept until it can be stored.
 */
import { expect, it } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

it('while the store takes no outcomes no more requests are made than may be in flight at once', async () => {
  const inner = memoryStore()
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const store = new Proxy(inner, {
    get(target, key) {
      if (key === 'record')
        return async (outcomes: Parameters<typeof inner.record>[0]) => {
          await opened
          return target.record(outcomes)
        }
      return Reflect.get(target, key, target)
    },
  })
  const transport = fakeTransport(() => 204)
  const webhooks = createWebhooks({
    store,
    transport,
    concurrency: 8,
    defaultTenant: 'acme',
    logger: quietLogger,
  })
  for (let n = 0; n < 5; n++)
    await webhooks.subscriptions.create({ url: `https://receiver-${n}.example/`, events: ['*'] })
  await webhooks.start()
  for (let n = 0; n < 10; n++) await webhooks.publish('order.paid', { n })
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  expect(transport.requests).toHaveLength(8)
  open()
  await webhooks.drain()
  expect(transport.requests).toHaveLength(50)
  await webhooks.stop()
})

it.each([
  ['somebody else changes it every time', async () => 'conflict'],
  ['the store fails', async () => Promise.reject(new Error('no connection'))],
])('a subscription is disabled by a 410 in the end, though at first %s', async (_why, failing) => {
  const notices: string[] = []
  const hooks = { noticed: ({ notice }: { notice: string }) => notices.push(notice) }
  const { webhooks, store, subscribe } = setup({ answer: () => 410, hooks, defaultTenant: 'acme' })
  const { subscription } = await subscribe()
  const { updateSubscription } = store
  Object.assign(store, { updateSubscription: failing })
  await webhooks.publish('a', {})
  await webhooks.drain()
  expect(await webhooks.subscriptions.get(subscription.id)).toMatchObject({ state: 'active' })
  Object.assign(store, { updateSubscription })
  await webhooks.drain()
  const after = await webhooks.subscriptions.get(subscription.id)
  expect(after).toMatchObject({ state: 'disabled', disabledReason: 'gone' })
  expect(notices).toEqual(['failing', 'disabled'])
})
