/** Cancelling, and what the calls of recovering refuse. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../../src/index.ts'
import { setup } from '../support/setup.ts'
import { acme, failures } from './failures.ts'

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
    ['replay', { ...acme, subscription: 'x', succeededToo: 1 }, 'INVALID_INPUT', 'succeededToo'],
    ['replayMissing', { ...acme, subscription: 'x', succeededToo: true }, 'INVALID_INPUT', 'succeededToo'],
    ['cancel', acme, 'INVALID_INPUT', 'subscription'],
  ] as const)('%s refuses %j', async (call, options, code, path) => {
    const { webhooks } = setup()
    const started = webhooks.deliveries[call](options as never)
    await expect(started).rejects.toMatchObject({ code, path })
  })
})
