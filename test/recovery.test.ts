/** Sending many things again, or not at all: what the jobs do, how they say so, and that they live on. */
import { describe, expect, it } from 'vitest'
import { anyTenant, never } from '../src/index.ts'
import { setup } from './support/setup.ts'

const acme = { tenantId: 'acme' }
const idOf = (request: { headers: Readonly<Record<string, string>> }) => request.headers['webhook-id']

/** Failed deliveries of the events e0, e1 … of one subscription, at which nothing is retried by itself. */
async function failures(count: number, options: Parameters<typeof setup>[0] = {}) {
  const made = setup({ answer: () => 500, retry: never, ...options })
  const { subscription } = await made.subscribe()
  for (let index = 0; index < count; index++)
    await made.webhooks.publish(
      index % 2 === 0 ? 'order.paid' : 'order.sent',
      {},
      { ...acme, id: `e${index}` },
    )
  await made.webhooks.drain()
  made.transport.answer(() => 200)
  const sentAgain = () => made.transport.requests.slice(count).map(idOf)
  return { ...made, subscription, sentAgain }
}

describe('retryAll', () => {
  it('sends every failed delivery again, with the same webhook-id and a fresh signature', async () => {
    const { webhooks, transport, clock, sentAgain } = await failures(3)
    const before = (await webhooks.attempts.list(acme)).items
    await clock.advance(10_000)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    await webhooks.drain()
    expect(sentAgain().sort()).toEqual(['e0', 'e1', 'e2'])
    const signatures = new Set(transport.requests.map(({ headers }) => headers['webhook-signature']))
    expect(signatures.size).toBe(6)
    const job = await webhooks.jobs.get(jobId, acme)
    expect(job).toMatchObject({ kind: 'retryAll', state: 'succeeded', looked: 3, affected: 3, skipped: 0 })
    expect(job.endedAt).toEqual(new Date(clock.now()))
    const after = (await webhooks.attempts.list(acme)).items
    expect(after).toHaveLength(6)
    for (const attempt of before) expect(after).toContainEqual(attempt)
    expect(after.filter(({ trigger }) => trigger === 'manual')).toHaveLength(3)
  })

  it('goes by subscription, type, time and status', async () => {
    const { webhooks, subscribe, subscription, clock, sentAgain } = await failures(4)
    await subscribe('other')
    const retried = async (filter: object) => {
      const { jobId } = await webhooks.deliveries.retryAll({ ...acme, ...filter })
      await webhooks.drain()
      return (await webhooks.jobs.get(jobId, acme)).affected
    }
    expect(await retried({ type: 'order.none' })).toBe(0)
    expect(await retried({ since: new Date(clock.now() + 1) })).toBe(0)
    expect(await retried({ until: new Date(clock.now()) })).toBe(0)
    expect(await retried({ status: 'cancelled' })).toBe(0)
    expect(await retried({ subscription: subscription.id, type: 'order.sent' })).toBe(2)
    expect(sentAgain().sort()).toEqual(['e1', 'e3'])
    expect(await retried({ status: 'succeeded' })).toBe(2)
    expect(await retried({})).toBe(2)
  })

  it('works in bounded batches and leaves room for the live flow', async () => {
    const { webhooks, transport, clock, store, sentAgain } = await failures(730)
    transport.answer(() => 200)
    const sizes: number[] = []
    const { redeliver, claim } = store
    let opened = 0
    store.redeliver = (...args) => {
      opened += 1
      return redeliver(...args)
    }
    store.claim = async (request) => {
      if (opened > 0) sizes.push(opened)
      opened = 0
      return claim(request)
    }
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    for (let turn = 0; turn < 20; turn++) {
      await webhooks.drain()
      await clock.advance(1_000)
    }
    expect(new Set(sentAgain()).size).toBe(730)
    expect(sentAgain()).toHaveLength(730)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'succeeded', affected: 730 })
  })

  it('sends nothing twice when its worker died in the middle of a step', async () => {
    const { webhooks, clock, store, sentAgain } = await failures(30)
    const { redeliver, handBack } = store
    let calls = 0
    let dead = false
    store.redeliver = async (...args) => {
      calls += 1
      if (calls === 10) dead = true
      if (dead) throw new Error('killed')
      return redeliver(...args)
    }
    store.handBack = async (entries) => (dead ? 0 : handBack(entries))
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    await webhooks.drain()
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'running', affected: 0 })
    dead = false
    calls = 100
    await clock.advance(40_000)
    await webhooks.drain()
    expect(sentAgain()).toHaveLength(30)
    expect(new Set(sentAgain()).size).toBe(30)
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'succeeded', looked: 21 })
  })

  it('is given up, and says why, when its steps fail again and again', async () => {
    const problems: string[] = []
    const { webhooks, clock, store } = await failures(1, {
      hooks: { problem: ({ during }) => problems.push(during) },
    })
    store.redeliver = () => Promise.reject(new Error('no more disk'))
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    for (let turn = 0; turn < 40; turn++) {
      await webhooks.drain()
      await clock.advance(64_000)
    }
    const job = await webhooks.jobs.get(jobId, acme)
    expect(job).toMatchObject({ state: 'failed', message: 'no more disk' })
    expect(problems).toContain('job')
  })

  it('can be read by its tenant alone, for a day after its end', async () => {
    const { webhooks, clock } = await failures(1)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    await expect(webhooks.jobs.get(jobId, { tenantId: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await webhooks.drain()
    await clock.advance(86_000_000)
    await webhooks.drain()
    expect(await webhooks.jobs.get(jobId, { tenantId: anyTenant })).toMatchObject({ state: 'succeeded' })
    await clock.advance(1_000_000)
    await webhooks.drain()
    await expect(webhooks.jobs.get(jobId, acme)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('replay', () => {
  it('gives a subscription what was published while it was disabled', async () => {
    const { webhooks, transport, subscribe } = setup()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.disable(subscription.id, acme)
    await webhooks.publish('a', { n: 1 }, { ...acme, id: 'e1' })
    await webhooks.drain()
    await webhooks.subscriptions.enable(subscription.id, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    const { jobId } = await webhooks.deliveries.replay({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ kind: 'replay', looked: 1, affected: 1 })
    const { items } = await webhooks.attempts.list(acme)
    expect(items).toMatchObject([{ trigger: 'manual', number: 1, eventId: 'e1' }])
  })

  it('gives a new subscription the events from before it existed, when asked', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    for (const id of ['e1', 'e2', 'e3']) {
      await webhooks.publish(id === 'e2' ? 'user.made' : 'order.paid', {}, { ...acme, id })
      await clock.advance(1_000)
    }
    await webhooks.publish('order.paid', {}, { ...acme, id: 'skipped', skip: true })
    await webhooks.drain()
    const { subscription } = await subscribe()
    const replayed = async (extra: object) => {
      const before = transport.requests.length
      await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, ...extra })
      await webhooks.drain()
      return transport.requests.slice(before).map(idOf)
    }
    expect(await replayed({})).toEqual([])
    expect(await replayed({ beforeCreated: true, types: ['user.*'] })).toEqual(['e2'])
    const until = new Date(clock.now() - 1_000)
    expect(await replayed({ beforeCreated: true, until })).toEqual(['e1'])
    expect(await replayed({ beforeCreated: true })).toEqual(['e3'])
    expect(await replayed({ beforeCreated: true })).toEqual([])
    const all = await replayed({ beforeCreated: true, succeededToo: true })
    expect(all.sort()).toEqual(['e1', 'e2', 'e3'])
  })

  it('sends again what failed, while replayMissing leaves it', async () => {
    const { webhooks, subscription, sentAgain } = await failures(2)
    const options = { ...acme, subscription: subscription.id }
    const { jobId } = await webhooks.deliveries.replayMissing(options)
    await webhooks.drain()
    expect(sentAgain()).toEqual([])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ looked: 2, affected: 0, skipped: 2 })
    await webhooks.deliveries.replay(options)
    await webhooks.drain()
    expect(sentAgain().sort()).toEqual(['e0', 'e1'])
  })

  it('leaves events alone that the subscription does not want, and those that are not due yet', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    await webhooks.publish('user.made', {}, { ...acme, id: 'e1' })
    const deliverAt = new Date(clock.now() + 60_000)
    await webhooks.publish('order.paid', {}, { ...acme, id: 'later', deliverAt })
    await webhooks.drain()
    const { subscription } = await subscribe('acme', { events: ['order.*'] })
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, beforeCreated: true })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
  })

  it('waits for a fan-out that is going on, and sends nothing twice', async () => {
    const { webhooks, transport, subscribe, store, clock } = setup()
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { ...acme, id: 'e1' })
    // Another worker has the event and hangs.
    const request = { token: 'other', leaseMs: 30_000, limit: 1, perTenant: 1, perSubscription: 1 }
    const { work } = await store.claim({ ...request, shares: new Map(), alone: false })
    const { jobId } = await webhooks.deliveries.replay({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'running', looked: 0 })
    await store.handBack(work.map(({ claim }) => ({ claim, delayMs: 0 })))
    await clock.advance(1_000)
    await webhooks.drain()
    await clock.advance(1_000)
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'succeeded', affected: 0 })
  })

  it('to a paused subscription is held until it is resumed', async () => {
    const { webhooks, transport, subscribe } = setup()
    await webhooks.publish('a', {}, { ...acme, id: 'e1' })
    await webhooks.drain()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, acme)
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, beforeCreated: true })
    await webhooks.drain()
    expect((await webhooks.deliveries.list(acme)).items).toMatchObject([{ state: 'pending', held: true }])
    await webhooks.subscriptions.resume(subscription.id, acme)
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
  })
})

describe('cancel', () => {
  it('ends one pending delivery, once', async () => {
    const ended: string[] = []
    const { webhooks, transport, subscribe, clock } = setup({
      answer: () => 500,
      hooks: { ended: ({ state }) => ended.push(state) },
    })
    await subscribe()
    await webhooks.publish('a', {}, acme)
    await webhooks.drain()
    const [delivery] = (await webhooks.deliveries.list(acme)).items
    if (delivery === undefined) throw new Error('no delivery')
    await expect(webhooks.deliveries.cancel(delivery.id, { tenantId: 'x' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await webhooks.deliveries.cancel(delivery.number, acme)).toMatchObject({ state: 'cancelled' })
    expect(await webhooks.deliveries.cancel(delivery.id, acme)).toMatchObject({ state: 'cancelled' })
    await clock.advance(10_000)
    await webhooks.drain()
    expect([transport.requests.length, ended]).toEqual([1, ['cancelled']])
  })

  it('refuses what has ended otherwise', async () => {
    const { webhooks } = await failures(1)
    const [delivery] = (await webhooks.deliveries.list(acme)).items
    const cancelling = webhooks.deliveries.cancel(delivery?.id ?? '', acme)
    await expect(cancelling).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('ends all that is pending of a subscription, or of an event, as a job', async () => {
    const { webhooks, subscribe } = setup({ answer: () => 500 })
    const { subscription } = await subscribe()
    await subscribe()
    for (let index = 0; index < 150; index++) await webhooks.publish('a', {}, { ...acme, id: `e${index}` })
    await webhooks.drain()
    const { jobId } = await webhooks.deliveries.cancel({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ kind: 'cancel', affected: 150 })
    const pending = { ...acme, state: 'pending', limit: 1, total: true } as const
    expect((await webhooks.deliveries.list(pending)).total).toBe(150)
    await webhooks.deliveries.cancel({ ...acme, event: 'e7' })
    await webhooks.drain()
    expect((await webhooks.deliveries.list(pending)).total).toBe(149)
  })
})

describe('recovering', () => {
  it.each([
    ['retryAll', {}, 'TENANT_REQUIRED', 'tenantId'],
    ['retryAll', { tenantId: anyTenant }, 'TENANT_REQUIRED', 'tenantId'],
    ['retryAll', { ...acme, subscription: 'none' }, 'NOT_FOUND', 'subscription'],
    ['retryAll', { ...acme, status: 'done' }, 'INVALID_INPUT', 'status'],
    ['retryAll', { ...acme, state: 'failed' }, 'INVALID_INPUT', 'state'],
    ['retryAll', { ...acme, since: 5 }, 'INVALID_INPUT', 'since'],
    ['retryAll', { ...acme, since: new Date(5), until: new Date(5) }, 'CONTRADICTORY_OPTIONS', 'since'],
    ['replay', acme, 'INVALID_INPUT', 'subscription'],
    ['replay', { ...acme, subscription: '' }, 'INVALID_INPUT', 'subscription'],
    ['replay', { ...acme, subscription: 'x', types: [] }, 'INVALID_PATTERN', 'types'],
    ['replay', { ...acme, subscription: 'x', types: ['a', '**'] }, 'INVALID_PATTERN', 'types[1]'],
    ['replay', { ...acme, subscription: 'x', beforeCreated: 1 }, 'INVALID_INPUT', 'beforeCreated'],
    ['replayMissing', { ...acme, subscription: 'x', succeededToo: true }, 'INVALID_INPUT', 'succeededToo'],
    ['cancel', acme, 'INVALID_INPUT', 'subscription'],
  ] as const)('%s refuses %j', async (call, options, code, path) => {
    const { webhooks } = setup()
    const started = webhooks.deliveries[call](options as never)
    await expect(started).rejects.toMatchObject({ code, path })
  })
})
