/** The calls over what has happened: deliveries, attempts, events. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../src/index.ts'
import { setup } from './support/setup.ts'

/** Two events of `acme`, one refused and one taken, and one of `other`. */
async function history() {
  const made = setup({ answer: (request) => (request.headers['webhook-id'] === 'e1' ? 500 : 200) })
  const { webhooks, subscribe, clock } = made
  const { subscription } = await subscribe()
  await subscribe('other')
  await webhooks.publish('order.paid', { n: 1 }, { tenantId: 'acme', id: 'e1', metadata: { region: 'eu' } })
  await clock.advance(1_000)
  await webhooks.publish('order.sent', { n: 2 }, { tenantId: 'acme', id: 'e2' })
  await webhooks.publish('order.paid', { n: 3 }, { tenantId: 'other', id: 'e3' })
  await webhooks.drain()
  return { ...made, subscription }
}

describe('deliveries', () => {
  it('are found by id and by number, and by nobody else', async () => {
    const { webhooks } = await history()
    const [one] = (await webhooks.deliveries.list({ tenantId: 'acme', eventId: 'e1' })).items
    if (one === undefined) throw new Error('no delivery')
    expect(await webhooks.deliveries.get(one.id, { tenantId: 'acme' })).toEqual(one)
    expect(await webhooks.deliveries.get(one.number, { tenantId: anyTenant })).toEqual(one)
    for (const id of [one.id, one.number, 'none', -1]) {
      const wrong = webhooks.deliveries.get(id, { tenantId: 'other' })
      await expect(wrong).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it('are listed by each filter', async () => {
    const { webhooks, subscription, clock } = await history()
    const idsOf = async (filter: object) =>
      (await webhooks.deliveries.list({ tenantId: 'acme', ...filter })).items.map(({ eventId }) => eventId)
    expect(await idsOf({})).toEqual(['e2', 'e1'])
    expect(await idsOf({ subscriptionId: subscription.id })).toEqual(['e2', 'e1'])
    expect(await idsOf({ subscriptionId: 'none' })).toEqual([])
    expect(await idsOf({ type: 'order.paid' })).toEqual(['e1'])
    expect(await idsOf({ state: 'pending' })).toEqual(['e1'])
    expect(await idsOf({ status: 'succeeded' })).toEqual(['e2'])
    expect(await idsOf({ until: new Date(clock.now()) })).toEqual([])
    expect(await idsOf({ since: new Date(clock.now()) })).toEqual(['e2', 'e1'])
    const both = await webhooks.deliveries.list({ tenantIds: ['acme', 'other'], limit: 2, total: true })
    expect([both.items.length, both.total, both.nextCursor === null]).toEqual([2, 3, false])
  })

  it('refuse a filter that is wrong, by name', async () => {
    const { webhooks } = setup()
    const refusals = [
      [{ state: 'done' }, 'INVALID_INPUT', 'state'],
      [{ status: 'done' }, 'INVALID_INPUT', 'status'],
      [{ state: 'failed', status: 'failed' }, 'CONTRADICTORY_OPTIONS', 'status'],
      [{ since: 'yesterday' }, 'INVALID_INPUT', 'since'],
      [{ limit: 1001 }, 'INVALID_INPUT', 'limit'],
      [{ stat: 'failed' }, 'INVALID_INPUT', 'stat'],
      [{ tenantId: undefined }, 'TENANT_REQUIRED', 'tenantId'],
    ] as const
    for (const [filter, code, path] of refusals) {
      const listing = webhooks.deliveries.list({ tenantId: 'acme', ...(filter as object) })
      await expect(listing).rejects.toMatchObject({ code, path })
    }
  })

  it('that are cancelled by deleting their subscription are reported as ended', async () => {
    const ended: string[] = []
    const { webhooks, subscribe } = setup({
      answer: () => 500,
      hooks: { ended: ({ eventId, state }) => ended.push(`${eventId} ${state}`) },
    })
    const { subscription } = await subscribe()
    for (const id of ['e1', 'e2']) await webhooks.publish('a', {}, { tenantId: 'acme', id })
    await webhooks.drain()
    await webhooks.subscriptions.delete(subscription.id, { tenantId: 'acme' })
    expect(ended.sort()).toEqual(['e1 cancelled', 'e2 cancelled'])
  })
})

describe('attempts', () => {
  it('are listed one row each, newest first, for a subscription or a whole tenant', async () => {
    const { webhooks, subscription, clock } = await history()
    await clock.advance(5_000)
    await webhooks.drain()
    const { items } = await webhooks.attempts.list({ tenantId: 'acme', subscriptionId: subscription.id })
    expect(items[0]).toMatchObject({ eventId: 'e1', number: 2, status: 500, trigger: 'retry' })
    expect(items).toHaveLength(3)
    const count = async (filter: object) =>
      (await webhooks.attempts.list({ tenantId: 'acme', ...filter })).items.length
    expect(await count({})).toBe(3)
    expect(await count({ eventId: 'e1' })).toBe(2)
    expect(await count({ type: 'order.sent' })).toBe(1)
    expect(await count({ deliveryId: items[0]?.deliveryId })).toBe(2)
    expect(await count({ since: new Date(clock.now()) })).toBe(1)
    expect(await count({ tenantId: 'other' })).toBe(1)
    await expect(webhooks.attempts.list({})).rejects.toMatchObject({ code: 'TENANT_REQUIRED' })
  })
})

describe('events', () => {
  it('are found and listed with what was published', async () => {
    const { webhooks } = await history()
    const event = await webhooks.events.get('e1', { tenantId: 'acme' })
    expect(event).toMatchObject({
      type: 'order.paid',
      metadata: { region: 'eu' },
      test: false,
      skipped: false,
    })
    expect(JSON.parse(event.body ?? '')).toMatchObject({ type: 'order.paid', data: { n: 1 } })
    await expect(webhooks.events.get('e1', { tenantId: 'other' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    const { items } = await webhooks.events.list({ tenantId: anyTenant, type: 'order.paid' })
    expect(items.map(({ id }) => id).sort()).toEqual(['e1', 'e3'])
    await expect(webhooks.events.list({ tenantId: 'acme', typ: 'x' } as object)).rejects.toMatchObject({
      message: expect.stringContaining('type'),
    })
  })
})
