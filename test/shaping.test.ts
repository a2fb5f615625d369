/** Shapes of the host: transforms, versions, templates of headers. What is sent first is sent on every attempt. */
import { describe, expect, it } from 'vitest'
import { never } from '../src/index.ts'
import { verify } from '../src/signing/index.ts'
import { setup } from './support/setup.ts'

const acme = { tenantId: 'acme' }
const textOf = (request: { readonly body: Uint8Array } | undefined) => new TextDecoder().decode(request?.body)
const jsonOf = (request: { readonly body: Uint8Array } | undefined) => JSON.parse(textOf(request))

describe('transform', () => {
  it('sends what it returns, signed, and the same bytes and headers on every attempt', async () => {
    let calls = 0
    const { webhooks, transport, subscribe, clock } = setup({
      answer: (_request, nth) => (nth < 3 ? 500 : 200),
      transform: ({ type, data }, { name }) => {
        calls += 1
        return { body: { call: calls, type, name, data }, headers: { 'X-Call': String(calls) } }
      },
    })
    const { secret } = await subscribe('acme', { name: 'n' })
    await webhooks.publish('a', { x: 1 }, acme)
    await webhooks.drain()
    await clock.advance(5_000)
    await webhooks.drain()
    await clock.advance(300_000)
    await webhooks.drain()
    expect(calls).toBe(1)
    expect(transport.requests).toHaveLength(3)
    for (const { body, headers } of transport.requests) {
      expect(textOf({ body })).toBe('{"call":1,"type":"a","name":"n","data":{"x":1}}')
      expect(headers['x-call']).toBe('1')
      await verify({ body, headers }, { secret: secret ?? '', now: clock.now() / 1000, tolerance: 1000 })
    }
  })

  it('sends nothing when it returns null, and the event as it is when it returns no body', async () => {
    const { webhooks, transport, subscribe } = setup({
      transform: ({ type }) => (type === 'secret' ? null : { headers: { 'x-kind': type } }),
    })
    await subscribe()
    await webhooks.publish('secret', {}, acme)
    await webhooks.publish('open', { x: 1 }, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect(jsonOf(transport.requests[0])).toMatchObject({ type: 'open', data: { x: 1 } })
    expect(transport.requests[0]?.headers['x-kind']).toBe('open')
    const { items } = await webhooks.deliveries.list({ ...acme, type: 'secret' })
    expect(items).toMatchObject([{ state: 'cancelled', attemptCount: 0 }])
  })

  it('may be async, gets data of its own, and does not wait for ever', async () => {
    const problems: string[] = []
    const { webhooks, transport, subscribe, clock } = setup({
      hooks: { problem: ({ error }) => problems.push(error.message) },
      transform: async ({ data }, { name }) => {
        if (name === 'hangs') return new Promise(() => undefined)
        const own = data as { seen?: string | null }
        const body = { before: own.seen ?? 'nobody' }
        own.seen = name
        return { body }
      },
    })
    await subscribe('acme', { name: 'one', url: 'https://receiver.example/1' })
    await subscribe('acme', { name: 'two', url: 'https://receiver.example/2' })
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    expect(transport.requests.map(jsonOf)).toEqual([{ before: 'nobody' }, { before: 'nobody' }])
    await subscribe('acme', { name: 'hangs', url: 'https://receiver.example/3' })
    await webhooks.publish('a', {}, acme)
    const draining = webhooks.drain()
    await clock.advance(15_000)
    await draining
    expect(transport.requests).toHaveLength(4)
    expect(problems).toEqual([expect.stringContaining('longer than 11250 ms')])
  })

  it('that hangs for some of the subscriptions leaves the lease to the others', async () => {
    const { webhooks, transport, subscribe, clock, store } = setup({
      transform: (_event, { name }) =>
        name === 'good' ? { body: { name } } : new Promise<never>(() => undefined),
    })
    const { claim } = store
    Object.assign(store, {
      claim: async (...given: Parameters<typeof claim>) => {
        const claimed = await claim(...given)
        await new Promise<void>((resolve) => clock.setTimer(resolve, 5))
        return claimed
      },
    })
    for (const name of ['bad', 'good', 'worse']) await subscribe('acme', { name })
    await webhooks.publish('a', {}, acme)
    const started = webhooks.start()
    await clock.advance(20_000)
    await started
    expect(transport.requests.map(jsonOf)).toEqual([{ name: 'good' }])
    await clock.advance(3_600_000)
    const { items } = await webhooks.deliveries.list(acme)
    expect(items.map(({ state }) => state)).toEqual(['succeeded'])
    const stopped = webhooks.stop()
    await clock.advance(10_000)
    await stopped
  })

  it('that throws keeps only its own delivery waiting, until it is corrected', async () => {
    let broken = true
    const problems: string[] = []
    const { webhooks, transport, subscribe, clock } = setup({
      hooks: { problem: ({ during, error }) => problems.push(`${during} ${error.code}`) },
      transform: (_event, { name }) => {
        if (broken && name === 'bad') throw new Error('a bug of the host')
        return { body: { name } }
      },
    })
    await subscribe('acme', { name: 'good' })
    await subscribe('acme', { name: 'bad' })
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    expect(transport.requests.map(jsonOf)).toEqual([{ name: 'good' }])
    expect(problems).toEqual(['transform TRANSFORM_FAILED'])
    broken = false
    await clock.advance(60_000)
    await webhooks.drain()
    expect(transport.requests.map(jsonOf)).toEqual([{ name: 'good' }, { name: 'bad' }])
  })

  it('that never stops throwing lets the delivery expire', async () => {
    const { webhooks, subscribe, clock } = setup({
      maxAgeMs: 300_000,
      transform: () => {
        throw new Error('a bug of the host')
      },
    })
    await subscribe()
    await webhooks.publish('a', {}, acme)
    for (let minute = 0; minute < 6; minute++) {
      await webhooks.drain()
      await clock.advance(60_000)
    }
    const { items } = await webhooks.deliveries.list(acme)
    expect(items).toMatchObject([{ state: 'failed', reason: 'expired', attemptCount: 0 }])
  })

  it.each([
    ['a header of the signature', { headers: { 'webhook-id': 'x' } }],
    ['a key that is not known', { bodi: 1 }],
    ['a body that is no JSON', { body: 5n }],
    ['a text', 'body'],
  ])('is not obeyed in %s', async (_what, result) => {
    const problems: string[] = []
    const { webhooks, transport, subscribe } = setup({
      hooks: { problem: ({ error }) => problems.push(error.code) },
      transform: () => result as never,
    })
    await subscribe()
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    expect([transport.requests.length, problems]).toEqual([0, ['TRANSFORM_FAILED']])
  })

  it('shapes tests, replays and what is held, too', async () => {
    let call = 0
    const { webhooks, transport, subscribe } = setup({
      answer: () => 500,
      retry: never,
      transform: () => ({ body: { call: ++call } }),
    })
    await webhooks.publish('old', {}, acme)
    await webhooks.drain()
    const { subscription } = await subscribe()
    const { deliveryId } = await webhooks.subscriptions.test(subscription.id, acme)
    await webhooks.drain()
    await webhooks.deliveries.redeliver(deliveryId, acme)
    await webhooks.drain()
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, since: new Date(0) })
    await webhooks.drain()
    await webhooks.subscriptions.pause(subscription.id, acme)
    await webhooks.publish('held', {}, acme)
    await webhooks.drain()
    await webhooks.subscriptions.resume(subscription.id, acme)
    await webhooks.drain()
    expect(transport.requests.map(jsonOf)).toEqual([{ call: 1 }, { call: 1 }, { call: 2 }, { call: 3 }])
  })
})

describe('versions', () => {
  it('give each subscription the shape that it chose, before transform', async () => {
    const { webhooks, transport, subscribe } = setup({
      versions: {
        '2024-01': ({ data }) => ({ old: data }),
        '2025-01': ({ id, data }) => ({ id, data }),
      },
      transform: (_event, { version }) =>
        version === '2025-01' ? { headers: { 'x-version': version } } : {},
    })
    const { subscription } = await subscribe('acme', { version: '2024-01' })
    await subscribe('acme', { version: '2025-01' })
    await subscribe('acme')
    expect(subscription.version).toBe('2024-01')
    await webhooks.publish('a', { x: 1 }, { ...acme, id: 'e1' })
    await webhooks.drain()
    const bodies = transport.requests.map(jsonOf)
    expect(bodies).toContainEqual({ old: { x: 1 } })
    expect(bodies).toContainEqual({ id: 'e1', data: { x: 1 } })
    expect(bodies).toContainEqual(expect.objectContaining({ type: 'a', data: { x: 1 } }))
    expect(transport.requests.map(({ headers }) => headers['x-version']).filter(Boolean)).toEqual(['2025-01'])
  })
})

describe('header templates', () => {
  it('are filled anew on every attempt; other braces stay', async () => {
    const { webhooks, transport, subscribe, clock } = setup({ answer: (_, nth) => (nth === 1 ? 500 : 200) })
    const headers = {
      'X-Event': '{event.type}/{event.id}',
      'X-Try': 'attempt {delivery.attempt}',
      'X-At': '{timestamp}',
      'X-Json': '{"a":{event.nothing}}',
    }
    await subscribe('acme', { headers })
    await webhooks.publish('order.paid', {}, { ...acme, id: 'e1' })
    await webhooks.drain()
    await clock.advance(5_000)
    await webhooks.drain()
    const [first, second] = transport.requests.map((request) => request.headers)
    expect(first).toMatchObject({ 'x-event': 'order.paid/e1', 'x-try': 'attempt 1' })
    expect(second).toMatchObject({ 'x-try': 'attempt 2', 'x-json': '{"a":{event.nothing}}' })
    expect(second?.['x-at']).toBe(second?.['webhook-timestamp'])
    expect(second?.['x-at']).not.toBe(first?.['x-at'])
  })
})
