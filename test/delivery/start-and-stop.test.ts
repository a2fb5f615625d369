/** Starting, stopping and ticking in any order: each call does what it says, and none of them hangs. */
import { describe, expect, it } from 'vitest'
import { createWebhooks, type Webhooks } from '../../src/index.ts'
import type { Store } from '../../src/store.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

const publish = (webhooks: Webhooks) => webhooks.publish('order.paid', {}, { tenantId: 'acme' })

/** A promise, and what resolves it. */
function gate() {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Counts the workers that listen, which is how many loops run. */
function listening(store: Store<never>) {
  const listeners = new Set<() => void>()
  const spied = Object.assign(store, {
    onWake(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  })
  return { spied, listeners }
}

describe('start', () => {
  it('called twice at once, starts one worker', async () => {
    const { store, webhooks } = setup()
    const { listeners } = listening(store as unknown as Store<never>)
    await Promise.all([webhooks.start(), webhooks.start()])
    expect(listeners.size).toBe(1)
    await webhooks.stop()
    expect(listeners.size).toBe(0)
  })

  it('overtaken by a stop, starts nothing', async () => {
    const { store, webhooks } = setup()
    const { listeners } = listening(store as unknown as Store<never>)
    const starting = webhooks.start()
    await Promise.all([webhooks.stop(), starting])
    expect(listeners.size).toBe(0)
  })

  it('during a stop, starts anew once that has ended', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    await subscribe()
    await webhooks.start()
    const stopping = webhooks.stop()
    await Promise.all([webhooks.start(), stopping])
    await publish(webhooks)
    await clock.advance(2_000)
    expect(transport.requests).toHaveLength(1)
    await webhooks.stop()
  })

  it('during a stop, waits for all that the stop closes', async () => {
    const { store, webhooks } = setup()
    const steps: string[] = []
    const { claim } = store
    Object.assign(store, {
      open: async () => void steps.push('open'),
      async close() {
        await new Promise((resolve) => setImmediate(resolve))
        steps.push('close')
      },
      claim(request: Parameters<typeof claim>[0]) {
        if (steps.at(-1) !== 'claim') steps.push('claim')
        return claim.call(store, request)
      },
    })
    await webhooks.start()
    const stopping = webhooks.stop()
    await Promise.all([webhooks.start(), stopping])
    expect(steps).toEqual(['open', 'claim', 'close', 'open', 'claim'])
    await webhooks.stop()
  })

  it('goes on after a stop whose closing failed, which its own caller hears of', async () => {
    const { store, webhooks, transport, subscribe, clock } = setup()
    await subscribe()
    await webhooks.start()
    Object.assign(store, { close: async () => Promise.reject(new Error('cannot be closed')) })
    const stopping = webhooks.stop()
    const starting = webhooks.start()
    await expect(stopping).rejects.toThrow('cannot be closed')
    await starting
    await publish(webhooks)
    await clock.advance(0)
    expect(transport.requests).toHaveLength(1)
  })

  it('rejects when the store cannot be listened to, and can be called again', async () => {
    const { store, webhooks, transport, subscribe, clock } = setup()
    await subscribe()
    const { onWake } = store
    Object.assign(store, {
      onWake() {
        throw new Error('no ears')
      },
    })
    await expect(webhooks.start()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('no ears'),
    })
    Object.assign(store, { onWake })
    await webhooks.start()
    await publish(webhooks)
    await clock.advance(2_000)
    expect(transport.requests).toHaveLength(1)
    await webhooks.stop()
  })

  it('says which store cannot be opened, and can be called again', async () => {
    const { store, webhooks } = setup()
    const open = store.open.bind(store)
    Object.assign(store, { open: async () => Promise.reject(new Error('no route to host')) })
    await expect(webhooks.start()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('no route to host'),
    })
    Object.assign(store, { open })
    await webhooks.start()
    await webhooks.stop()
  })
})

describe('stop', () => {
  it('twice at once is one', async () => {
    const { webhooks, store } = setup()
    await webhooks.start()
    await Promise.all([webhooks.stop(), webhooks.stop()])
    expect(await store.backlog({ tenant: 'acme' })).toMatchObject({ due: 0 })
  })

  it('takes events afterwards, too: the next start delivers them', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    await subscribe()
    await webhooks.start()
    await webhooks.stop()
    await publish(webhooks)
    await clock.advance(5_000)
    expect(transport.requests).toHaveLength(0)
    await webhooks.start()
    await clock.advance(1_000)
    expect(transport.requests).toHaveLength(1)
    await webhooks.stop()
  })

  it('ends a tick that is at work, and what that has not begun goes back to the queue', async () => {
    const answering = gate()
    const { webhooks, transport, subscribe, store } = setup({
      concurrency: 1,
      answer: async () => {
        await answering.opened
        return 200
      },
    })
    await subscribe()
    for (let count = 0; count < 5; count++) await publish(webhooks)
    const ticking = webhooks.tick({ budgetMs: 60_000 })
    while (transport.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const stopping = webhooks.stop()
    answering.open()
    await Promise.all([ticking, stopping])
    expect(transport.requests).toHaveLength(1)
    expect(await store.backlog({ tenant: 'acme' })).toMatchObject({ due: 4 })
  })

  it('lets others send the rest of an event at once whose first request hangs', async () => {
    const answering = gate()
    const { webhooks, transport, subscribe, store, clock } = setup({
      concurrency: 1,
      answer: async () => {
        await answering.opened
        return 200
      },
    })
    await subscribe('acme', { url: 'https://hangs.example/hook' })
    await subscribe('acme', { url: 'https://answers.example/hook' })
    await webhooks.start()
    await publish(webhooks)
    await clock.advance(0)
    const others = fakeTransport()
    const other = createWebhooks({ store, transport: others, clock, logger: quietLogger })
    let ended = false
    const stopping = webhooks.stop().then(() => {
      ended = true
    })
    await other.start()
    await clock.advance(1_300)
    const [first] = transport.requests
    expect([ended, transport.requests.length, others.requests.length]).toEqual([false, 1, 1])
    expect(others.requests[0]?.url).not.toBe(first?.url)
    answering.open()
    await stopping
    await other.stop()
    const { items } = await other.deliveries.list({ tenantId: 'acme' })
    expect(items.map(({ state, attemptCount }) => [state, attemptCount])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
    ])
  })

  it('ends a second after its limit when the store takes nothing any more, and says so', async () => {
    const problems: string[] = []
    const { webhooks, store, transport, subscribe, clock } = setup({
      hooks: { problem: ({ during }) => problems.push(during) },
    })
    await subscribe()
    await webhooks.start()
    Object.assign(store, { record: () => new Promise(() => undefined) })
    await publish(webhooks)
    await clock.advance(0)
    expect(transport.requests).toHaveLength(1)
    const ended = webhooks.stop({ drainMs: 3_000 }).then(() => 'ended')
    await clock.advance(3_999)
    expect(await Promise.race([ended, Promise.resolve('waits')])).toBe('waits')
    await clock.advance(1)
    expect(await Promise.race([ended, Promise.resolve('waits')])).toBe('ended')
    expect(problems).toEqual(['stop'])
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 3_600_001, '8000', null])(
    'refuses %s as its limit',
    async (drainMs) => {
      const { webhooks } = setup()
      await expect(webhooks.stop({ drainMs: drainMs as number })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        path: 'drainMs',
      })
    },
  )
})

describe('tick', () => {
  it.each([undefined, Number.NaN, -1, Number.POSITIVE_INFINITY, 3_600_001, '9000', null])(
    'refuses %s as its budget, at once',
    async (budgetMs) => {
      const { webhooks } = setup()
      const given = { budgetMs: budgetMs as number }
      await expect(webhooks.tick(given)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'budgetMs' })
    },
  )

  it('refuses to be called without options, with null, and with an unknown one', async () => {
    const { webhooks } = setup()
    const call = webhooks.tick as (options?: unknown) => Promise<void>
    for (const given of [undefined, null, 5_000, { budgetMs: 5_000, budget: 1 }])
      await expect(call(given)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('waits for another one, within its own budget', async () => {
    const answering = gate()
    const { webhooks, subscribe, transport, clock } = setup({
      answer: async () => {
        await answering.opened
        return 200
      },
    })
    await subscribe()
    await publish(webhooks)
    const first = webhooks.tick({ budgetMs: 20_000 })
    await clock.advance(0)
    let ended = false
    const second = webhooks.tick({ budgetMs: 4_000 }).then(() => {
      ended = true
    })
    await clock.advance(3_999)
    expect(ended).toBe(false)
    await clock.advance(1)
    await second
    answering.open()
    await first
    expect(transport.requests).toHaveLength(1)
  })

  it('never sets the deadline of a request that another one started', async () => {
    const { webhooks, subscribe, transport } = setup()
    await subscribe()
    await publish(webhooks)
    await Promise.all([webhooks.tick({ budgetMs: 4_000 }), webhooks.tick({ budgetMs: 60_000 })])
    expect(transport.requests.map(({ deadlineMs }) => deadlineMs)).toEqual([3_500])
  })
})
