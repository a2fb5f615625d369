/**
 * Test 51 of the reliability catalogue, and the limits of the door once more: a row that was written past it is never sent, is
 * set aside with a reason, and stops nobody else.
 */
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Subscription } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { setup } from '../support/setup.ts'
import { type BadRow, badDeliveries, badDestinations, badEvents, badSubscriptions } from './bad-rows.ts'

const ACME = { tenantId: 'acme' }
const BAD = 'https://bad.example/'

/** A sender on SQLite, and the way past its door. */
async function lab(answer: (url: string) => number = () => 204) {
  const clock = manualClock()
  const client = new DatabaseSync(':memory:')
  onTestFinished(() => client.close())
  const problems: string[] = []
  const made = setup({
    ...{ clock, store: sqliteStore({ client, clock }) as never, breaker: false },
    transform: () => ({ headers: { 'x-own': '1' } }),
    answer: ({ url }) => answer(url),
    hooks: { problem: ({ error }) => problems.push(error.message) },
  })
  await made.webhooks.migrate()
  const write = (table: string, { column, value }: BadRow, id: string): void => {
    const statement = client.prepare(`update posthorn_${table} set ${column} = ? where id = ?`)
    expect(statement.run(value, id).changes, 'rows written').toBe(1)
  }
  const subscribed = async (tenantId: string, url: string): Promise<Subscription> =>
    (await made.subscribe(tenantId, { url })).subscription
  const sent = () => made.transport.requests.map(({ url }) => new URL(url).hostname)
  return { ...made, clock, write, subscribed, sent, problems }
}

/** The neighbours, in the same tenant and in another one, got theirs, and the bad one nothing. */
function expectNeighbours(sent: readonly string[], each = 1): void {
  const got = (name: string) => sent.filter((host) => host === `${name}.example`).length
  expect({ bad: got('bad'), good: got('good'), other: got('other') }).toEqual({
    bad: 0,
    good: each,
    other: each,
  })
}

const named = (rows: readonly BadRow[]) => rows.map((row) => [`${row.column}: ${row.what}`, row] as const)

describe('a subscription with a bad column', () => {
  it.each(named(badSubscriptions))('%s', async (_what, row) => {
    const { webhooks, subscribed, write, sent, problems } = await lab()
    const bad = await subscribed('acme', BAD)
    await subscribed('acme', 'https://good.example/')
    await subscribed('other', 'https://other.example/')
    write('subscriptions', row, bad.id)
    for (const tenantId of ['acme', 'other'])
      await webhooks.publish('a', {}, { tenantId, channels: ['wanted'] })
    await webhooks.drain()
    expectNeighbours(sent())
    const { items } = await webhooks.deliveries.list({ ...ACME, subscriptionId: bad.id })
    if (row.comes === 'quarantined') expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
    else if (row.comes === 'blocked')
      expect(items).toMatchObject([{ state: 'pending', lastFailure: 'blocked' }])
    else if (row.comes === 'held') expect(items).toMatchObject([{ state: 'pending', held: true }])
    else expect(items).toEqual([])
    expect(problems.length > 0).toBe(row.comes === 'quarantined' || row.comes === 'to nothing')
    expect((await webhooks.subscriptions.list(ACME)).items).toHaveLength(2)
  })

  it('is as good as any other once an update has mended it', async () => {
    const { webhooks, subscribed, write, sent } = await lab()
    const bad = await subscribed('acme', 'https://good.example/')
    write('subscriptions', { what: '', column: 'headers', value: '{"fake', comes: 'quarantined' }, bad.id)
    await webhooks.publish('a', {}, ACME)
    await webhooks.drain()
    expect(sent()).toEqual([])
    await webhooks.subscriptions.update(bad.id, { headers: { 'x-a': '1' } }, ACME)
    await webhooks.publish('a', {}, ACME)
    await webhooks.drain()
    expect(sent()).toEqual(['good.example'])
  })
})

describe('an event with a bad column', () => {
  it.each(named(badEvents))('%s', async (_what, row) => {
    const { webhooks, subscribed, write, sent } = await lab()
    await subscribed('acme', 'https://good.example/')
    await subscribed('other', 'https://other.example/')
    const { id } = await webhooks.publish('a', {}, ACME)
    await webhooks.publish('a', {}, ACME)
    await webhooks.publish('a', {}, { tenantId: 'other' })
    write('events', row, id)
    await webhooks.drain()
    expectNeighbours(sent())
    const { items } = await webhooks.deliveries.list({ ...ACME, eventId: id })
    expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
  })
})

describe('a delivery with a bad column', () => {
  it.each(named(badDeliveries))('%s', async (_what, row) => {
    let status = 500
    const { webhooks, subscribed, write, sent, clock } = await lab(() => status)
    const bad = await subscribed('acme', BAD)
    await subscribed('acme', 'https://good.example/')
    await subscribed('other', 'https://other.example/')
    for (const tenantId of ['acme', 'other']) await webhooks.publish('a', {}, { tenantId })
    await webhooks.drain()
    const before = sent().length
    expect(before).toBe(3)
    const [waiting] = (await webhooks.deliveries.list({ ...ACME, subscriptionId: bad.id })).items
    write('deliveries', row, waiting?.id ?? '')
    status = 204
    await clock.advance(10_000)
    await webhooks.drain()
    expectNeighbours(sent().slice(before))
    const delivery = await webhooks.deliveries.get(waiting?.id ?? '', ACME)
    expect(delivery).toMatchObject({ state: 'failed', reason: 'quarantined' })
  })

  it.each(named(badDestinations))('%s', async (_what, row) => {
    const { webhooks, subscribed, write, sent } = await lab()
    await subscribed('acme', 'https://good.example/')
    await subscribed('other', 'https://other.example/')
    await webhooks.publish('a', {}, { ...ACME, to: { url: BAD } })
    const [waiting] = (await webhooks.deliveries.list(ACME)).items
    write('deliveries', row, waiting?.id ?? '')
    for (const tenantId of ['acme', 'other']) await webhooks.publish('a', {}, { tenantId })
    await webhooks.drain()
    expectNeighbours(sent())
    const delivery = await webhooks.deliveries.get(waiting?.id ?? '', ACME)
    expect(delivery).toMatchObject({ state: 'failed', reason: 'quarantined' })
    const { items } = await webhooks.attempts.list({ ...ACME, deliveryId: delivery.id })
    expect(JSON.stringify(items)).not.toContain('fake')
  })
})
