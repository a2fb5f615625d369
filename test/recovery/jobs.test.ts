/** The list of bulk jobs, and stopping one: who sees what, and what a stop leaves as it is. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../../src/index.ts'
import { encodeCursor } from '../../src/input/cursor.ts'
import { acme, failures } from './failures.ts'

const other = { tenantId: 'other' }

describe('the list of jobs', () => {
  it('shows the jobs of a tenant, newest first, page by page', async () => {
    const { webhooks, clock, subscription } = await failures(1)
    const made: string[] = []
    for (let n = 0; n < 12; n++) {
      made.unshift((await webhooks.deliveries.retryAll(acme)).jobId)
      if (n % 3 === 0) await clock.advance(10)
    }
    await webhooks.deliveries.retryAll(other)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page = await webhooks.jobs.list({ ...acme, limit: 5, cursor, total: true })
      expect(page.total).toBe(12)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(made)
    const { items } = await webhooks.jobs.list({ ...acme, limit: 2, offset: 10 })
    expect(items.map(({ id }) => id)).toEqual(made.slice(10))
    const [newest] = (await webhooks.jobs.list({ ...acme, limit: 1 })).items
    expect(newest).toEqual(await webhooks.jobs.get(made[0] ?? '', acme))
    expect(newest).toMatchObject({ subscriptionId: null, eventId: null, startedAt: expect.any(Date) })
    await webhooks.deliveries.cancel({ ...acme, subscription: subscription.id, event: 'e0' })
    const [cancel] = (await webhooks.jobs.list(acme)).items
    expect(cancel).toMatchObject({ kind: 'cancel', subscriptionId: subscription.id, eventId: 'e0' })
  })

  it('keeps tenants apart, and shows an operator every one', async () => {
    const { webhooks } = await failures(1)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    const { jobId: foreign } = await webhooks.deliveries.retryAll(other)
    const of = async (options: Parameters<typeof webhooks.jobs.list>[0]) =>
      (await webhooks.jobs.list(options)).items.map(({ id }) => id)
    expect(await of(acme)).toEqual([jobId])
    expect(await of({ tenantId: anyTenant })).toEqual([foreign, jobId])
    expect(await of({ tenantIds: ['other', 'none'] })).toEqual([foreign])
    expect(await of({ tenantIds: [] })).toEqual([])
    await expect(of({})).rejects.toMatchObject({ code: 'TENANT_REQUIRED' })
  })

  it('can be narrowed to a state, and forgets what ended a day ago', async () => {
    const { webhooks, clock } = await failures(1)
    const { jobId: done } = await webhooks.deliveries.retryAll(acme)
    await webhooks.drain()
    const { jobId: stopped } = await webhooks.deliveries.retryAll(acme)
    await webhooks.jobs.stop(stopped, acme)
    const { jobId: waits } = await webhooks.deliveries.retryAll(acme)
    const of = async (state?: 'running' | 'succeeded' | 'failed' | 'stopped') =>
      (await webhooks.jobs.list({ ...acme, state })).items.map(({ id }) => id)
    expect(await of()).toEqual([waits, stopped, done])
    expect([await of('running'), await of('stopped')]).toEqual([[waits], [stopped]])
    expect([await of('succeeded'), await of('failed')]).toEqual([[done], []])
    await webhooks.drain()
    await clock.advance(86_400_001)
    await webhooks.drain()
    expect(await of()).toEqual([])
  })

  it('leaves out what is no job', async () => {
    const { webhooks, store } = await failures(1)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    const unknown = await store.addJob('acme', { kind: 'fly', state: 'running', startedAt: 1, order: {} })
    const broken = await store.addJob('acme', { kind: 'cancel', state: 'running', startedAt: 1, order: null })
    expect((await webhooks.jobs.list(acme)).items).toMatchObject([{ id: jobId }])
    for (const id of [unknown, broken])
      await expect(webhooks.jobs.stop(id, acme)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await store.getJob('acme', unknown))?.job).toMatchObject({ state: 'running' })
  })

  it.each<[object, string]>([
    [{ state: 'done' }, 'INVALID_INPUT'],
    [{ state: null }, 'INVALID_INPUT'],
    [{ state: ['running'] }, 'INVALID_INPUT'],
    [{ limit: 0 }, 'INVALID_INPUT'],
    [{ limit: 1001 }, 'INVALID_INPUT'],
    [{ limit: '5' }, 'INVALID_INPUT'],
    [{ tenantId: '' }, 'INVALID_INPUT'],
    [{ tenantId: 'x'.repeat(256) }, 'INVALID_INPUT'],
    [{ tenantId: 5 }, 'INVALID_INPUT'],
    [{ kind: 'cancel' }, 'INVALID_INPUT'],
    [{ cursor: 'x' }, 'INVALID_CURSOR'],
    [{ cursor: encodeCursor({ at: 0, id: 'evt_1' }) }, 'INVALID_CURSOR'],
    [{ cursor: encodeCursor({ at: 0, id: '1e3' }) }, 'INVALID_CURSOR'],
    [{ cursor: encodeCursor({ at: 0, id: '9'.repeat(19) }) }, 'INVALID_CURSOR'],
    [{ cursor: encodeCursor({ at: 0, id: '1' }), offset: 1 }, 'CONTRADICTORY_OPTIONS'],
    [{ tenantIds: ['a'] }, 'CONTRADICTORY_OPTIONS'],
  ])('refuses %j', async (options, code) => {
    const { webhooks } = await failures(0)
    const given = { ...acme, ...options } as Parameters<typeof webhooks.jobs.list>[0]
    await expect(webhooks.jobs.list(given)).rejects.toMatchObject({ code })
  })
})

describe('stopping a job', () => {
  it('that waits: it never begins, and nothing is sent again', async () => {
    const { webhooks, clock, sentAgain } = await failures(3)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    await clock.advance(500)
    const job = await webhooks.jobs.stop(jobId, acme)
    const now = new Date(clock.now())
    expect(job).toMatchObject({ state: 'stopped', looked: 0, message: null, updatedAt: now, endedAt: now })
    await webhooks.drain()
    await clock.advance(80_000_000)
    await webhooks.drain()
    expect(sentAgain()).toEqual([])
    expect(await webhooks.jobs.get(jobId, acme)).toEqual(job)
    await clock.advance(10_000_000)
    await webhooks.drain()
    await expect(webhooks.jobs.get(jobId, acme)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('while a worker is at it: the step ends, no other begins, and what was touched stays', async () => {
    const problems: string[] = []
    const { webhooks, transport, clock, store, sentAgain } = await failures(250, {
      hooks: { problem: ({ during }) => problems.push(during) },
    })
    transport.answer(() => 200)
    const { redeliver } = store
    let jobId = ''
    let calls = 0
    let stopped: unknown = null
    store.redeliver = async (...args) => {
      calls += 1
      if (calls === 130) stopped = await webhooks.jobs.stop(jobId, acme)
      return redeliver(...args)
    }
    jobId = (await webhooks.deliveries.retryAll(acme)).jobId
    await webhooks.drain()
    await clock.advance(120_000)
    await webhooks.drain()
    expect(calls).toBe(200)
    expect(stopped).toMatchObject({ state: 'stopped', looked: 100, affected: 100 })
    expect(await webhooks.jobs.get(jobId, acme)).toEqual(stopped)
    expect(new Set(sentAgain()).size).toBe(200)
    const failed = await webhooks.deliveries.list({ ...acme, state: 'failed', limit: 1, total: true })
    expect(failed.total).toBe(50)
    expect(problems).toEqual([])
  })

  it.each(['end', 'be given up'])(
    'just before it would %s: it stays stopped, without a word',
    async (how) => {
      const problems: string[] = []
      const { webhooks, clock, store } = await failures(1, {
        hooks: { problem: ({ error }) => problems.push(error.message) },
      })
      const { redeliver } = store
      let jobId = ''
      let turns = 0
      store.redeliver = async (...args) => {
        turns += 1
        if (how === 'end' || turns === 20) await webhooks.jobs.stop(jobId, acme)
        if (how === 'be given up') throw new Error('no more disk')
        return redeliver(...args)
      }
      jobId = (await webhooks.deliveries.retryAll(acme)).jobId
      for (let turn = 0; turn < 25; turn++) {
        await webhooks.drain()
        await clock.advance(64_000)
      }
      expect(turns).toBe(how === 'end' ? 1 : 20)
      expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'stopped', message: null })
      expect(problems.filter((message) => message.includes('given up'))).toEqual([])
    },
  )

  it('twice is stopping it once; one that has ended is a conflict', async () => {
    const { webhooks, clock } = await failures(1)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    const first = await webhooks.jobs.stop(jobId, acme)
    await clock.advance(1_000)
    expect(await webhooks.jobs.stop(jobId, acme)).toEqual(first)
    const { jobId: done } = await webhooks.deliveries.retryAll(acme)
    await webhooks.drain()
    const before = await webhooks.jobs.get(done, acme)
    const refused = webhooks.jobs.stop(done, acme)
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(refused).rejects.toThrow('has succeeded: only a running one can be stopped')
    expect(await webhooks.jobs.get(done, acme)).toEqual(before)
  })

  it("of another tenant is not possible: it reads as missing; an operator's call is", async () => {
    const { webhooks } = await failures(1)
    const { jobId } = await webhooks.deliveries.retryAll(acme)
    await expect(webhooks.jobs.stop(jobId, other)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(webhooks.jobs.stop('none', acme)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(webhooks.jobs.stop(jobId)).rejects.toMatchObject({ code: 'TENANT_REQUIRED' })
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'running' })
    expect(await webhooks.jobs.stop(jobId, { tenantId: anyTenant })).toMatchObject({ state: 'stopped' })
  })
})
