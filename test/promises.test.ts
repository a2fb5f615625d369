/** One test for each promise of the library that needs no SQL; each fails when the promise is broken. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWebhooks } from '../src/index.ts'
import type { WebhooksOptions } from '../src/options.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { receiver } from '../src/testing/receiver.ts'
import { undiciTransport } from '../src/transports/undici.ts'
import { quietLogger, setup } from './support/setup.ts'

/** A started sender on real sockets. */
async function started(options: Partial<WebhooksOptions> = {}) {
  const ended: string[] = []
  const waiters: (() => void)[] = []
  const hooks = {
    ended: ({ state }: { state: string }) => {
      ended.push(state)
      for (const waiter of waiters.splice(0)) waiter()
    },
  }
  const webhooks = createWebhooks({
    store: memoryStore(),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    logger: quietLogger,
    hooks,
    ...options,
  })
  await webhooks.start()
  onTestFinished(() => webhooks.stop({ drainMs: 0 }))
  async function untilEnded(count: number): Promise<void> {
    while (ended.length < count) await new Promise<void>((resolve) => waiters.push(resolve))
  }
  return { webhooks, ended, untilEnded }
}

async function receiving(options: Parameters<typeof receiver>[0] = {}) {
  const made = await receiver(options)
  onTestFinished(() => made.close())
  return made
}

describe('promise 1: if the transaction commits, the webhook is sent; if it rolls back, it never was', () => {
  it('holds for the transactions of the memory store', async () => {
    const { store, transport, clock } = setup()
    const webhooks = createWebhooks({ store, transport, clock, logger: quietLogger })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: 'https://receiver.example' })
    await store.transaction((tx) => webhooks.publish('kept', {}, { tenantId: 'acme', tx }))
    const undone = store.transaction(async (tx) => {
      await webhooks.publish('undone', {}, { tenantId: 'acme', tx })
      throw new Error('roll back')
    })
    await expect(undone).rejects.toThrow('roll back')
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })
})

describe('promise 2: at least once, and a killed worker’s work moves on within its lease and one poll', () => {
  it('sends again with the same webhook-id, and says that a claim was lost', async () => {
    const { store, clock, subscribe, webhooks, transport } = setup()
    await subscribe()
    const { id } = await webhooks.publish('a', {}, { tenantId: 'acme' })
    const dead = { token: 'dead', leaseMs: 30_000, limit: 10, perTenant: 10, perSubscription: 10 }
    expect((await store.claim({ ...dead, shares: new Map(), alone: false })).work).toHaveLength(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    await clock.advance(30_000)
    await webhooks.drain()
    expect(transport.requests.map((request) => request.headers['webhook-id'])).toEqual([id])
    const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ afterLostClaim: true, number: 1 }])
  })
})

describe('promise 4: a planned stop ends in time, loses nothing, duplicates nothing that is answered', () => {
  it('waits for what is in flight and hands the rest back', async () => {
    const target = await receiving()
    const { webhooks } = await started({ concurrency: 2 })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: target.url })
    for (let index = 0; index < 50; index++) await webhooks.publish('a', { index }, { tenantId: 'acme' })
    await target.next(1)
    await webhooks.stop()
    const before = target.requests.length
    await webhooks.drain()
    const ids = target.requests.map((request) => request.headers['webhook-id'])
    expect(new Set(ids).size).toBe(50)
    expect(ids).toHaveLength(50)
    expect(before).toBeLessThanOrEqual(50)
  })

  it('aborts what is still open after the drain limit, and marks it as perhaps received', async () => {
    const target = await receiving({ answer: () => new Promise<never>(() => undefined) })
    const { webhooks } = await started()
    await webhooks.subscriptions.create({ tenantId: 'acme', url: target.url })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await target.next(1)
    await webhooks.stop({ drainMs: 1 })
    const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ outcome: 'failed', failure: 'aborted', mayHaveBeenReceived: true }])
  })
})

describe('promise 5: the bytes published are the bytes received', () => {
  it('for awkward data, on every attempt', async () => {
    const answers = [500, 500, 204]
    const target = await receiving({ answer: () => answers.shift() ?? 204 })
    const { webhooks, untilEnded } = await started({ retry: { delaysMs: [0, 0, 0], jitter: 0 } })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: target.url })
    const { id } = await webhooks.publish('a', { ' ': 'é', 10: -0, 2: 'x', n: 1e21 }, { tenantId: 'acme' })
    await untilEnded(1)
    const stored = (await webhooks.events.get(id, { tenantId: 'acme' })).body
    expect(target.requests.map((request) => request.body)).toEqual([stored, stored, stored])
  })
})

describe('promise 6: the deadline is the deadline', () => {
  it('ends a silent receiver’s attempt as a timeout that may have been received', async () => {
    const target = await receiving({ answer: () => new Promise<never>(() => undefined) })
    const { webhooks, untilEnded } = await started({ timeoutMs: 500, retry: { delaysMs: [], jitter: 0 } })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: target.url })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await untilEnded(1)
    const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ failure: 'timeout', mayHaveBeenReceived: true }])
  })
})

describe('promise 7: one bad endpoint does not slow the others', () => {
  it('delivers everything else while one receiver hangs with a large backlog', async () => {
    const hanging = await receiving({ answer: () => new Promise<never>(() => undefined) })
    const healthy = await receiving()
    const { webhooks } = await started({ concurrency: 32, transport: undiciTransport() })
    await webhooks.subscriptions.create({ tenantId: 'bad', url: hanging.url })
    await webhooks.subscriptions.create({ tenantId: 'good', url: healthy.url })
    for (let index = 0; index < 500; index++) await webhooks.publish('a', { index }, { tenantId: 'bad' })
    for (let index = 0; index < 100; index++) await webhooks.publish('a', { index }, { tenantId: 'good' })
    await healthy.next(100)
    expect(hanging.requests.length).toBeLessThanOrEqual(10)
  })
})

describe('promise 9: 3xx is never followed', () => {
  it('takes a redirect for a failed attempt', async () => {
    const { webhooks, subscribe, transport } = setup({
      answer: () => ({ status: 302, headers: { location: 'https://x' } }),
    })
    await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect((await webhooks.attempts.list({ tenantId: 'acme' })).items).toMatchObject([
      { outcome: 'failed', status: 302 },
    ])
  })
})

describe('promise 10: secrets are shown once', () => {
  it('by create and rotate, then only by revealSecret, which is reported', async () => {
    const changes: string[] = []
    const { webhooks, subscribe } = setup({
      hooks: { subscriptionChanged: ({ change }) => changes.push(change) },
    })
    const { subscription, secret } = await subscribe('acme', {
      headers: { authorization: 'Bearer fake-token-1234' },
    })
    const rotated = await webhooks.subscriptions.rotateSecret(subscription.id, { tenantId: 'acme' })
    const seen = JSON.stringify([
      subscription,
      rotated.subscription,
      await webhooks.subscriptions.get(subscription.id, { tenantId: 'acme' }),
      await webhooks.subscriptions.list({ tenantId: 'acme' }),
    ])
    expect(seen).not.toContain(secret)
    expect(seen).not.toContain(rotated.secret)
    expect(seen).not.toContain('fake-token-1234')
    expect(await webhooks.subscriptions.revealSecret(subscription.id, { tenantId: 'acme' })).toBe(
      rotated.secret,
    )
    expect(changes).toContain('secretRevealed')
  })
})
