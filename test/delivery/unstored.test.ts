/** What was sent and is not stored yet would be sent again after a crash: it is never more than what may be in flight. */
import { expect, it } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger } from '../support/setup.ts'

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
