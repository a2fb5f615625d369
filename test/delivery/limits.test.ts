/** Rate and concurrency: limits that all processes share, and the fields that set them. */
import { describe, expect, it } from 'vitest'
import { setup } from '../support/setup.ts'
import { decode, gate, neighbour, seconds, turn } from '../support/shared-limits.ts'

describe('rate', () => {
  it('sends at most `count` at once, then one token at a time', async () => {
    const made = setup()
    await made.subscribe('acme', { rate: { count: 2, perMs: 1_000 } })
    for (let n = 0; n < 6; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(2)
    await made.clock.advance(500)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(3)
    await made.clock.advance(1_000)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(5)
  })

  it('counts retries, and is shared by two processes', async () => {
    const made = setup({ answer: () => 500, retry: seconds, breaker: false })
    const other = neighbour(made, { retry: seconds, breaker: false })
    await made.subscribe('acme', { rate: { count: 1, perMs: 10_000 } })
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    for (let second = 0; second < 40; second++) {
      await Promise.all([made.webhooks.drain(), other.webhooks.drain()])
      await made.clock.advance(1_000)
    }
    expect(made.transport.requests.length + other.transport.requests.length).toBe(4)
  })

  it('goes on by itself in a started sender', async () => {
    const made = setup()
    await made.subscribe('acme', { rate: { count: 1, perMs: 1_000 } })
    await made.webhooks.start()
    for (let n = 0; n < 5; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.clock.advance(2_500)
    expect(made.transport.requests).toHaveLength(3)
    await made.clock.advance(2_000)
    expect(made.transport.requests).toHaveLength(5)
    await made.webhooks.stop()
  })
})

describe('concurrency', () => {
  it('bounds the requests in flight, over two processes', async () => {
    const { open, answer } = gate()
    const made = setup({ answer })
    const other = neighbour(made)
    other.transport.answer(answer)
    await made.subscribe('acme', { concurrency: 3 })
    for (let n = 0; n < 8; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    const drained = Promise.all([made.webhooks.drain(), other.webhooks.drain()])
    let peak = 0
    for (let answered = 0; answered < 8; answered++) {
      await turn()
      peak = Math.max(peak, open.length - answered)
      open[answered]?.(200)
    }
    await drained
    await made.webhooks.drain()
    expect(peak).toBe(3)
    expect(open).toHaveLength(8)
  })

  it('is not used up by deliveries that wait for a retry', async () => {
    const made = setup({ answer: (request) => (decode(request).n === 0 ? 500 : 200) })
    await made.subscribe('acme', { concurrency: 1 })
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests.map((request) => decode(request).n)).toEqual([0, 1, 2])
  })
})

describe('limits of a tenant', () => {
  it('are shared by its subscriptions, and leave other tenants alone', async () => {
    const made = setup({
      tenantLimits: (tenantId) => (tenantId === 'small' ? { rate: { count: 3, perMs: 60_000 } } : null),
    })
    for (const tenantId of ['small', 'small', 'big']) await made.subscribe(tenantId)
    for (let n = 0; n < 4; n++) {
      for (const tenantId of ['small', 'big']) await made.webhooks.publish('a', { n }, { tenantId })
    }
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(3 + 4)
    await made.clock.advance(60_000)
    await made.webhooks.drain()
    expect(made.transport.requests).toHaveLength(6 + 4)
  })

  it('bound what is in flight to all of its receivers', async () => {
    const { open, answer } = gate()
    const made = setup({ answer, tenantLimits: { concurrency: 2 } })
    await made.subscribe('acme')
    await made.subscribe('acme', { url: 'https://other.example/' })
    for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    const drained = made.webhooks.drain()
    let peak = 0
    for (let answered = 0; answered < 6; answered++) {
      await turn()
      peak = Math.max(peak, open.length - answered)
      open[answered]?.(200)
    }
    await drained
    expect(peak).toBe(2)
    expect(open).toHaveLength(6)
  })
})

describe('the fields of a subscription', () => {
  it('are shown, changed and cleared', async () => {
    const { webhooks, subscribe } = setup()
    const given = { ordering: 'key', rate: { count: 5, perMs: 1_000 }, concurrency: 2, retry: 'never' }
    const { subscription } = await subscribe('acme', given)
    expect(subscription).toMatchObject({ ...given, onGivenUp: 'continue' })
    const cleared = { ordering: null, rate: null, concurrency: null, retry: null }
    const after = await webhooks.subscriptions.update(subscription.id, cleared, { tenantId: 'acme' })
    expect(after).toMatchObject({ ordering: 'none', rate: null, concurrency: null, retry: null })
  })

  it.each([
    ['ordering', { ordering: 'fifo' }],
    ['ordering', { ordering: 1 }],
    ['onGivenUp', { onGivenUp: 'halt' }],
    ['rate.count', { rate: { count: 0, perMs: 1_000 } }],
    ['rate.perMs', { rate: { count: 1 } }],
    ['rate.count', { rate: { count: 1.5, perMs: 1_000 } }],
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 10_001 }],
    ['concurrency', { concurrency: '3' }],
  ])('refuse a bad %s', async (path, extra) => {
    const { subscribe } = setup()
    await expect(subscribe('acme', extra)).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
  })

  it.each(['', 'x'.repeat(256), 5, null, 'a\0b'])('refuse the ordering key %j', async (orderingKey) => {
    const { webhooks } = setup()
    const publish = webhooks.publish('a', {}, { tenantId: 'acme', orderingKey: orderingKey as string })
    await expect(publish).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'orderingKey' })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('the cache of plans is down')
      },
    ],
    ['is slow to say', async () => ({ concurrency: 9 })],
    ['has no limits', () => ({ concurrency: 0 })],
    ['misspells one', () => ({ concurency: 5 })],
  ])('are what they were when their function %s', async (_what, broken) => {
    const { open, answer } = gate()
    let limitsOf: (tenantId: string) => unknown = () => ({ concurrency: 1 })
    const problems: string[] = []
    const made = setup({
      answer,
      tenantLimits: (tenantId) => limitsOf(tenantId) as null,
      hooks: { problem: ({ during, error }) => problems.push(`${during} ${error.code} ${error.path}`) },
    })
    await made.subscribe('acme')
    await made.subscribe('new')
    await made.webhooks.publish('a', { n: 0 }, { tenantId: 'acme' })
    const first = made.webhooks.drain()
    await turn()
    open[0]?.(200)
    await first
    limitsOf = broken
    for (const tenantId of ['acme', 'new'])
      for (let n = 0; n < 3; n++) await made.webhooks.publish('a', { n }, { tenantId })
    const drained = made.webhooks.drain()
    await turn()
    expect(open).toHaveLength(1 + 1 + 3)
    for (let answered = 1; answered < 7; answered++) {
      open[answered]?.(200)
      await turn()
    }
    await drained
    expect(open).toHaveLength(7)
    expect(new Set(problems)).toEqual(new Set(['tenantLimits INVALID_OPTION tenantLimits']))
  })
})
