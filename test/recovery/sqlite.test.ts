/** Recovering, statistics and shapes over an SQL store: what the engine asks of it fits together. */
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it } from 'vitest'
import { createWebhooks, never } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { quietLogger } from '../support/setup.ts'
import { acme, idOf } from './failures.ts'

describe('over SQLite', () => {
  it('replays, retries in bulk, shapes and counts', async () => {
    const client = new DatabaseSync(':memory:')
    const clock = manualClock()
    const transport = fakeTransport(() => 500)
    const webhooks = createWebhooks({
      store: sqliteStore({ client, clock }) as never,
      transport,
      clock,
      logger: quietLogger,
      retry: never,
      transform: ({ data }) => ({ body: { data }, headers: { 'x-shaped': 'yes' } }),
    })
    await webhooks.migrate()
    await webhooks.publish('a', { total: 5 }, { ...acme, id: 'old' })
    await webhooks.drain()
    await clock.advance(1_000)
    const url = 'https://receiver.example/hook'
    const filter = { 'data.total': { gte: 5 } } as const
    const { subscription } = await webhooks.subscriptions.create({ ...acme, url, filter, channels: null })
    await webhooks.publish('a', { total: 4 }, { ...acme, id: 'small' })
    for (let index = 0; index < 120; index++)
      await webhooks.publish('a', { total: 5 }, { ...acme, id: `e${index}` })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(120)
    transport.answer(() => 200)
    const { jobId } = await webhooks.deliveries.retryAll({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'succeeded', affected: 120 })
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, since: new Date(0) })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(241)
    expect(idOf(transport.requests.at(-1) ?? { headers: {} })).toBe('old')
    expect(new TextDecoder().decode(transport.requests.at(-1)?.body)).toBe('{"data":{"total":5}}')
    const stats = await webhooks.stats({ ...acme, subscription: subscription.id })
    expect(stats).toMatchObject({ attempts: 241, failed: 120, statuses: { 200: 121, 500: 120 }, backlog: 0 })
    expect(await webhooks.health()).toMatchObject({ healthy: true, storeReachable: true, workersSeen: 1 })
    await webhooks.stop()
    client.close()
  })
})
