/** Ordered subscriptions: whose order is kept, what it waits for, and who does not wait for it. */
import { describe, expect, it } from 'vitest'
import { schedule } from '../../src/index.ts'
import { setup } from '../support/setup.ts'
import { decode, gate, neighbour, seconds, turn } from '../support/shared-limits.ts'

describe('ordering', () => {
  it('by subscription sends one at a time, in the order of publishing, also across a retry', async () => {
    const sent: number[] = []
    const made = setup({
      retry: seconds,
      answer: (request, nth) => {
        sent.push(decode(request).n)
        return nth === 2 ? 500 : 200
      },
    })
    await made.subscribe('acme', { ordering: 'subscription' })
    for (let n = 0; n < 5; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(sent).toEqual([0, 1])
    await made.clock.advance(1_000)
    await made.webhooks.drain()
    expect(sent).toEqual([0, 1, 1, 2, 3, 4])
  })

  it('by key lets other keys, and events without a key, go on while one key waits', async () => {
    const sent: string[] = []
    const made = setup({
      retry: seconds,
      answer: (request) => {
        const { key, n } = decode(request)
        sent.push(`${key}${n}`)
        return key === 'x' && n === 0 && sent.filter((one) => one === 'x0').length === 1 ? 500 : 200
      },
    })
    await made.subscribe('acme', { ordering: 'key' })
    for (const key of ['x', 'y']) {
      for (let n = 0; n < 3; n++) {
        await made.webhooks.publish('a', { key, n }, { tenantId: 'acme', orderingKey: key })
      }
    }
    await made.webhooks.publish('a', { key: '', n: 9 }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(sent.filter((one) => one.startsWith('x'))).toEqual(['x0'])
    expect(sent.filter((one) => one.startsWith('y'))).toEqual(['y0', 'y1', 'y2'])
    expect(sent).toContain('9')
    await made.clock.advance(1_000)
    await made.webhooks.drain()
    expect(sent.filter((one) => one.startsWith('x'))).toEqual(['x0', 'x0', 'x1', 'x2'])
  })

  it('lets the next go on when a delivery is given up', async () => {
    const made = setup({ answer: (request) => (decode(request).n === 0 ? 500 : 200) })
    await made.subscribe('acme', { ordering: 'subscription', retry: 'never' })
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests.map((request) => decode(request).n)).toEqual([0, 1, 2])
  })

  it('stops the line when a delivery is given up, if asked, until someone resumes it', async () => {
    const made = setup({ answer: (request) => (decode(request).n === 0 ? 500 : 200) })
    const line = { ordering: 'subscription', retry: 'never', onGivenUp: 'stop' }
    const { subscription } = await made.subscribe('acme', line)
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(1)
    const stopped = await made.webhooks.subscriptions.get(subscription.id, { tenantId: 'acme' })
    const [failed] = (await made.webhooks.deliveries.list({ tenantId: 'acme', state: 'failed' })).items
    expect(stopped).toMatchObject({ state: 'paused', pausedBy: 'user', onGivenUp: 'stop' })
    expect(stopped.stopped).toEqual({ deliveryId: failed?.id, at: failed?.endedAt })
    const resumed = await made.webhooks.subscriptions.resume(subscription.id, { tenantId: 'acme' })
    expect(resumed).toMatchObject({ state: 'active', stopped: null })
    await made.webhooks.drain()
    expect(made.transport.requests.map((request) => decode(request).n)).toEqual([0, 1, 2])
  })

  it('stops the line when the store is away just then, and sends nothing of it meanwhile', async () => {
    const made = setup({ answer: (request) => (decode(request).n === 0 ? 500 : 200) })
    const line = { ordering: 'subscription', retry: 'never', onGivenUp: 'stop' }
    const { subscription } = await made.subscribe('acme', line)
    const { updateSubscription } = made.store
    let refused = 0
    Object.assign(made.store, {
      updateSubscription: async (...given: Parameters<typeof updateSubscription>) => {
        if (refused++ < 4) throw new Error('no connection')
        return updateSubscription(...given)
      },
    })
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    const drained = made.webhooks.drain()
    await made.clock.advance(10_000)
    await drained
    expect(refused).toBeGreaterThanOrEqual(5)
    expect(made.transport.requests).toHaveLength(1)
    const stopped = await made.webhooks.subscriptions.get(subscription.id, { tenantId: 'acme' })
    expect(stopped).toMatchObject({ state: 'paused', pausedBy: 'user' })
    const { items } = await made.webhooks.deliveries.list({ tenantId: 'acme', state: 'failed' })
    expect(items).toHaveLength(1)
  })

  it('survives a pause that the receiver asked for: the probe is the first of the line', async () => {
    const sent: number[] = []
    const made = setup({
      retry: schedule(['1h', '1h'], { jitter: 0.2 }),
      random: () => 0.9,
      answer: (request, nth) => {
        sent.push(decode(request).n)
        return nth === 2 ? { status: 429, headers: { 'retry-after': '60' } } : 200
      },
    })
    await made.subscribe('acme', { ordering: 'subscription' })
    for (let n = 0; n < 4; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(sent).toEqual([0, 1])
    await made.clock.advance(60_000)
    await made.webhooks.drain()
    expect(sent).toEqual([0, 1, 1, 2, 3])
  })

  it('keeps redeliver outside of the order: it waits for nobody and blocks nobody', async () => {
    const made = setup({ retry: seconds, answer: () => 200 })
    await made.subscribe('acme', { ordering: 'subscription' })
    await made.webhooks.publish('a', { n: 0 }, { tenantId: 'acme' })
    await made.webhooks.drain()
    made.transport.answer(() => 500)
    const [first] = (await made.webhooks.deliveries.list({ tenantId: 'acme' })).items
    await made.webhooks.deliveries.redeliver(first?.id ?? '', { tenantId: 'acme' })
    await made.webhooks.drain()
    made.transport.answer(() => 200)
    await made.webhooks.publish('a', { n: 1 }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests.map((request) => decode(request).n)).toEqual([0, 0, 1])
  })

  it('is not held up by a hanging neighbour of the same tenant', async () => {
    const hanging = gate()
    const made = setup({
      answer: (request) => (request.url.includes('slow') ? hanging.answer() : 200),
    })
    await made.subscribe('acme', { url: 'https://slow.example/' })
    await made.subscribe('acme', { url: 'https://line.example/', ordering: 'subscription' })
    for (let n = 0; n < 5; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    const drained = made.webhooks.drain()
    await turn()
    const line = made.transport.requests.filter((request) => request.url.includes('line'))
    for (const answer of hanging.open) answer(200)
    await drained
    expect(line.map((request) => decode(request).n)).toEqual([0, 1, 2, 3, 4])
  })

  it('holds between two processes that share the store', async () => {
    const made = setup({ retry: seconds })
    const other = neighbour(made, { retry: seconds })
    const sent: number[] = []
    for (const transport of [made.transport, other.transport]) {
      transport.answer((request) => {
        sent.push(decode(request).n)
        return sent.length % 7 === 3 ? 500 : 200
      })
    }
    await made.subscribe('acme', { ordering: 'subscription' })
    for (let n = 0; n < 30; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    for (let round = 0; round < 40; round++) {
      await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
      await made.clock.advance(1_000)
    }
    const first = [...new Set(sent)]
    expect(first).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })
})
