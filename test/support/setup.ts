/** A sender on the memory store, a manual clock and a fake transport: what most engine tests start from. */
import type { Hooks } from '../../src/hooks.ts'
import { createWebhooks } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type FakeAnswerer, fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

export const quietLogger = { debug() {}, info() {}, warn() {}, error() {} }

/** Every call makes everything afresh. */
export function setup(options: Partial<WebhooksOptions> & { answer?: FakeAnswerer; hooks?: Hooks } = {}) {
  const { answer, ...rest } = options
  const clock = manualClock()
  const store = memoryStore({ clock })
  const transport = fakeTransport(answer)
  const webhooks = createWebhooks({ store, transport, clock, logger: quietLogger, random: () => 0, ...rest })
  const subscribe = (tenantId = 'acme', extra: object = {}) =>
    webhooks.subscriptions.create({ tenantId, url: 'https://receiver.example/hook', ...extra })
  return { clock, store, transport, webhooks, subscribe }
}
