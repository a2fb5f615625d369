/** Order, rate and concurrency: limits that all processes share. */
import { describe, expect, it } from 'vitest'
import { createWebhooks, schedule } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import type { TransportRequest } from '../../src/transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

const decode = (request: TransportRequest) => JSON.parse(new TextDecoder().decode(request.body)).data
const seconds = schedule(Array(20).fill('1s'), { jitter: 0 })

/** A second process over the same store. */
function neighbour(made: ReturnType<typeof setup>, options: Partial<WebhooksOptions> = {}) {
  const { store, clock } = made
  const transport = fakeTransport()
  const base = { store, transport, clock, logger: quietLogger, random: () => 0 }
  return { transport, webhooks: createWebhooks({ ...base, ...options }) }
}

/** Requests that the test answers one by one. */
function gate() {
  const open: ((status: number) => void)[] = []
  const answer = () => new Promise<number>((resolve) => open.push(resolve))
  return { open, answer }
}

const turn = async () => {
  for (let index = 0; index < 20; index++) await new Promise((done) => setImmediate(done))
}

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
    expect(stopped).toMatchObject({ state: 'paused', pausedBy: 'user', onGivenUp: 'stop' })
    await made.webhooks.subscriptions.resume(subscription.id, { tenantId: 'acme' })
    await made.webhooks.drain()
    expect(made.transport.requests.map((request) => decode(request).n)).toEqual([0, 1, 2])
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
})
