/** Sending failed deliveries again: what the job does, how it says so, and that it lives on. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../../src/index.ts'
import { acme, failures } from './failures.ts'

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
