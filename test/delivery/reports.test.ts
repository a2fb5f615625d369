/** Each delivery that ends is told of, once, however it ended. */
import { describe, expect, it } from 'vitest'
import type { EndedReport } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

function telling(options: Parameters<typeof setup>[0] = {}) {
  const ended: EndedReport[] = []
  return { ...setup({ ...options, hooks: { ended: (report) => ended.push(report) } }), ended }
}

describe('the hook `ended`', () => {
  it('is told once of a success that came after its claim was lost', async () => {
    const answers: (() => void)[] = []
    const answer = () => new Promise<number>((resolve) => answers.push(() => resolve(200)))
    const { webhooks, subscribe, clock, transport, ended } = telling({ answer })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    const working = webhooks.start()
    await clock.advance(1_000)
    await working
    expect(transport.requests).toHaveLength(1)
    await clock.advance(32_000)
    expect(transport.requests.length).toBeGreaterThan(1)
    answers[0]?.()
    await clock.advance(0)
    expect(ended.map(({ state }) => state)).toEqual(['succeeded'])
    for (const late of answers) late()
    await clock.advance(0)
    expect(ended).toHaveLength(1)
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
})
