/** Jobs over every database: one sender runs a job while another one stops it; jobs of tenants with the longest of names. */
import { expect, it } from 'vitest'
import { anyTenant, createWebhooks, never } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { describeOnEach } from '../support/each-database.ts'
import { quietLogger } from '../support/setup.ts'
import { acme } from './failures.ts'

/** Of 255 characters, most of which JSON has to escape. */
const LONGEST = `é${'"\\'.repeat(127)}`

describeOnEach((setupOn) => {
  it('a job that another sender stops in the middle of a step begins no other', async () => {
    const { webhooks, transport, clock, store, subscribe } = await setupOn({
      answer: () => 500,
      retry: never,
    })
    await subscribe()
    for (let n = 0; n < 150; n++) await webhooks.publish('a', {}, { ...acme, id: `e${n}` })
    await webhooks.drain()
    transport.answer(() => 200)
    const operator = createWebhooks({ store, transport: fakeTransport(), clock, logger: quietLogger })
    const { redeliver, handBack } = store
    let calls = 0
    let jobId = ''
    const handed: number[] = []
    store.redeliver = async (...args) => {
      calls += 1
      if (calls === 40) await operator.jobs.stop(jobId, acme)
      return redeliver(...args)
    }
    store.handBack = async (entries) => {
      const count = await handBack(entries)
      if (entries.some(({ job }) => job !== undefined)) handed.push(count)
      return count
    }
    jobId = (await operator.deliveries.retryAll(acme)).jobId
    await webhooks.drain()
    await clock.advance(60_000)
    await webhooks.drain()
    expect([calls, handed]).toEqual([100, [0]])
    expect(await operator.jobs.get(jobId, acme)).toMatchObject({ state: 'stopped', looked: 0 })
    const count = async (state: 'succeeded' | 'failed') =>
      (await operator.deliveries.list({ ...acme, state, limit: 1, total: true })).total
    expect([await count('succeeded'), await count('failed')]).toEqual([100, 50])
    await clock.advance(86_400_000)
    await webhooks.drain()
    expect((await operator.jobs.list(acme)).items).toEqual([])
  })

  it('a tenant whose name is as long as can be reads, lists and stops its jobs', async () => {
    const { webhooks } = await setupOn()
    const tenantId = LONGEST
    expect(tenantId).toHaveLength(255)
    const { jobId: first } = await webhooks.deliveries.retryAll({ tenantId })
    const { jobId } = await webhooks.deliveries.retryAll({ tenantId })
    expect(await webhooks.jobs.get(first, { tenantId })).toMatchObject({ tenantId, state: 'running' })
    const { items, nextCursor } = await webhooks.jobs.list({ tenantId, limit: 1 })
    expect(items).toMatchObject([{ id: jobId }])
    const rest = await webhooks.jobs.list({ tenantId: anyTenant, limit: 1, cursor: nextCursor })
    expect(rest).toMatchObject({ items: [{ id: first }], nextCursor: null })
    expect(await webhooks.jobs.stop(jobId, { tenantId })).toMatchObject({ state: 'stopped' })
  })
})
