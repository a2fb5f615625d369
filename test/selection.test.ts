/** What a subscription selects: patterns of several levels, channels, filters, and when events are due. */
import { describe, expect, it } from 'vitest'
import { setup } from './support/setup.ts'

const acme = { tenantId: 'acme' }

/** A sender, and who got what: names of subscriptions by event. */
function sender(options: Parameters<typeof setup>[0] = {}) {
  const made = setup(options)
  const subscribe = (name: string, extra: object = {}) =>
    made.subscribe('acme', { name, url: `https://receiver.example/${name}`, ...extra })
  const receivers = (eventId: string) =>
    made.transport.requests
      .filter(({ headers }) => headers['webhook-id'] === eventId)
      .map(({ url }) => url.split('/').at(-1))
      .sort()
  const publish = async (type: string, data: unknown, more: object = {}) => {
    const { id } = await made.webhooks.publish(type, data, { ...acme, ...more })
    await made.webhooks.drain()
    return receivers(id)
  }
  return { ...made, subscribe, publish }
}

describe('a subscription', () => {
  it('selects by patterns of several levels', async () => {
    const { subscribe, publish } = sender()
    await subscribe('all')
    await subscribe('order', { events: ['order.*'] })
    await subscribe('item', { events: ['order.item.*', 'user.made'] })
    expect(await publish('order.item.added', {})).toEqual(['all', 'item', 'order'])
    expect(await publish('order.paid', {})).toEqual(['all', 'order'])
    expect(await publish('order', {})).toEqual(['all'])
    expect(await publish('user.made', {})).toEqual(['all', 'item'])
  })

  it('selects by channels, and takes every event without any', async () => {
    const { subscribe, publish, webhooks } = sender()
    await subscribe('any')
    const { subscription } = await subscribe('shop', { channels: ['shop-1', 'shop-2', 'shop-1'] })
    expect(subscription.channels).toEqual(['shop-1', 'shop-2'])
    expect(await publish('a', {}, { channels: ['shop-2', 'web'] })).toEqual(['any', 'shop'])
    expect(await publish('a', {}, { channels: ['web'] })).toEqual(['any'])
    expect(await publish('a', {})).toEqual(['any'])
    await webhooks.subscriptions.update(subscription.id, { channels: null }, acme)
    expect(await publish('a', {})).toEqual(['any', 'shop'])
    const [event] = (await webhooks.events.list({ ...acme, limit: 4 })).items.slice(-1)
    expect(event?.channels).toEqual(['shop-2', 'web'])
  })

  it('selects by a filter over type, metadata and data', async () => {
    const { subscribe, publish, webhooks } = sender()
    const filter = { 'data.total': { gte: 100 }, 'metadata.region': 'eu' } as const
    const { subscription } = await subscribe('large', { filter })
    expect(subscription.filter).toEqual(filter)
    const eu = { metadata: { region: 'eu' } }
    expect(await publish('a', { total: 100 }, eu)).toEqual(['large'])
    expect(await publish('a', { total: 99 }, eu)).toEqual([])
    expect(await publish('a', { total: 100 })).toEqual([])
    expect(await publish('a', null, eu)).toEqual([])
    await webhooks.subscriptions.update(subscription.id, { filter: { not: filter } }, acme)
    expect(await publish('a', { total: 99 }, eu)).toEqual(['large'])
  })

  it.each([
    ['the whole body', ({ data }: { data: unknown }) => data],
    ['another key', ({ type, data }: { type: string; data: unknown }) => ({ kind: type, payload: data })],
    ['nowhere in it', ({ data }: { data: unknown }) => ({ flat: { ...(data as object) } })],
    ['hidden by a toJSON', ({ data }: { data: unknown }) => ({ data, toJSON: () => ({ other: 1 }) })],
  ])('sees the data where the envelope put it: %s', async (_where, envelope) => {
    const { subscribe, publish } = sender({ envelope })
    await subscribe('large', { filter: { 'data.total': { gte: 100 } } })
    await subscribe('deep', { filter: { 'data.lines.1.sku': 'B' } })
    expect(await publish('a', { total: 100, lines: [] })).toEqual(['large'])
    expect(await publish('a', { total: 5, lines: [{ sku: 'A' }, { sku: 'B' }] })).toEqual(['deep'])
  })

  it('is told where its filter, channels or version are wrong', async () => {
    const { subscribe, webhooks } = sender({ versions: { v1: ({ data }) => data } })
    const refusals = [
      [{ filter: { 'data.total': { gte: [] } } }, 'INVALID_FILTER', 'filter.data.total.gte'],
      [{ filter: 'data.total > 5' }, 'INVALID_FILTER', 'filter'],
      [{ channels: [] }, 'INVALID_INPUT', 'channels'],
      [{ channels: ['a', ''] }, 'INVALID_INPUT', 'channels[1]'],
      [{ channels: Array.from({ length: 11 }, String) }, 'INVALID_INPUT', 'channels'],
      [{ channels: 'a' }, 'INVALID_INPUT', 'channels'],
      [{ version: 'v2' }, 'INVALID_INPUT', 'version'],
      [{ version: 'constructor' }, 'INVALID_INPUT', 'version'],
    ] as const
    for (const [fields, code, path] of refusals)
      await expect(subscribe('wrong', fields)).rejects.toMatchObject({ code, path })
    const { subscription } = await subscribe('right', { version: 'v1' })
    const changing = webhooks.subscriptions.update(subscription.id, { filter: { or: [] } }, acme)
    await expect(changing).rejects.toMatchObject({ code: 'INVALID_FILTER', path: 'filter.or' })
  })

  it('whose filter was broken in the database gets nothing, others do, and the operator is told', async () => {
    const problems: string[] = []
    const { subscribe, publish, store } = sender({
      hooks: { problem: ({ during }) => problems.push(during) },
    })
    await subscribe('good')
    const { subscription } = await subscribe('broken')
    await store.updateSubscription('acme', subscription.id, { settings: { filter: { regex: '(a+)+' } } })
    expect(await publish('a', {})).toEqual(['good'])
    expect(problems).toEqual(['filter'])
  })

  it('can be tried with an event that is not published', async () => {
    const { subscribe, webhooks, transport } = sender()
    await subscribe('large', { filter: { 'data.total': { gte: 100 } } })
    await subscribe('shop', { channels: ['shop'] })
    const { subscription: off } = await subscribe('off')
    await webhooks.subscriptions.disable(off.id, acme)
    const names = async (event: object) =>
      (await webhooks.subscriptions.matches({ ...acme, type: 'a', ...event })).map(({ name }) => name)
    expect(await names({ data: { total: 100 } })).toEqual(['large'])
    expect(await names({ data: { total: 1 }, channels: ['shop'] })).toEqual(['shop'])
    expect(await names({ tenantId: 'other' })).toEqual([])
    await expect(names({ type: 'a b' })).rejects.toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
    await expect(names({ data: 5n })).rejects.toMatchObject({ code: 'PAYLOAD_NOT_SERIALISABLE' })
    await expect(names({ tenantId: undefined })).rejects.toMatchObject({ code: 'TENANT_REQUIRED' })
    expect(transport.requests).toHaveLength(0)
  })
})

describe('publish', () => {
  const DAY_MS = 86_400_000

  it('delivers later when asked, by date or by delay', async () => {
    const { subscribe, publish, clock, webhooks, transport } = sender()
    await subscribe('all')
    expect(await publish('a', {}, { delayMs: 60_000 })).toEqual([])
    expect(await publish('a', {}, { deliverAt: new Date(clock.now() + 90 * DAY_MS) })).toEqual([])
    await clock.advance(59_999)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    await clock.advance(1)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    await clock.advance(90 * DAY_MS)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
  })

  it.each([
    [{ delayMs: -1 }, 'INVALID_INPUT', 'delayMs'],
    [{ delayMs: 90 * DAY_MS + 1 }, 'INVALID_INPUT', 'delayMs'],
    [{ delayMs: '60' }, 'INVALID_INPUT', 'delayMs'],
    [{ delayMs: Number.NaN }, 'INVALID_INPUT', 'delayMs'],
    [{ delayMs: 5, deliverAt: new Date(5) }, 'CONTRADICTORY_OPTIONS', 'delayMs'],
    [{ deliverAt: new Date(8e15) }, 'INVALID_INPUT', 'deliverAt'],
    [{ channels: [] }, 'INVALID_INPUT', 'channels'],
    [{ channels: ['x'.repeat(129)] }, 'INVALID_INPUT', 'channels[0]'],
  ])('refuses %j', async (options, code, path) => {
    const { webhooks } = setup()
    const publishing = webhooks.publish('a', {}, { ...acme, ...(options as object) })
    await expect(publishing).rejects.toMatchObject({ code, path })
    expect((await webhooks.events.list(acme)).items).toEqual([])
  })
})
