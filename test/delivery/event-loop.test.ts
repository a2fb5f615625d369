/** A store in this process answers at once; whoever awaits one call after another must not keep the event loop from turning. */
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, expect, it } from 'vitest'
import { createWebhooks, type Store } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type SqliteClient, sqliteStore } from '../../src/stores/sqlite.ts'

const CALLS = 40

const endings: (() => unknown)[] = []
afterEach(() => {
  for (const end of endings.splice(0)) end()
})

const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore() as Store,
  sqlite: () => {
    const client = new DatabaseSync(':memory:')
    endings.push(() => client.close())
    return sqliteStore({ client: client as SqliteClient }) as Store<unknown>
  },
}

/** How often the event loop turns while this runs. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0
  let next: NodeJS.Immediate
  const turn = () => {
    turns += 1
    next = setImmediate(turn)
  }
  next = setImmediate(turn)
  await work()
  clearImmediate(next)
  return turns
}

it.each(Object.entries(stores))('publishes one after the other, %s store', async (_, make) => {
  const webhooks = createWebhooks({ store: make(), defaultTenant: 'acme' })
  await webhooks.migrate()
  const turns = await turnsDuring(async () => {
    for (let call = 0; call < CALLS; call += 1) await webhooks.publish('order.paid', { call })
  })
  expect(turns).toBeGreaterThanOrEqual(CALLS - 1)
})

it.each(Object.entries(stores))('batches one after the other, %s store', async (_, make) => {
  const webhooks = createWebhooks({ store: make(), defaultTenant: 'acme' })
  await webhooks.migrate()
  const turns = await turnsDuring(async () => {
    for (let call = 0; call < CALLS; call += 1)
      await webhooks.publishMany([{ type: 'order.paid', data: { call } }])
  })
  expect(turns).toBeGreaterThanOrEqual(CALLS - 1)
})

it('changes of subscriptions one after the other, sqlite store', async () => {
  const webhooks = createWebhooks({ store: stores.sqlite?.() as Store, defaultTenant: 'acme' })
  await webhooks.migrate()
  const url = 'https://example.com/hook'
  const turns = await turnsDuring(async () => {
    for (let call = 0; call < CALLS; call += 1) await webhooks.subscriptions.create({ url: `${url}/${call}` })
  })
  expect(turns).toBeGreaterThanOrEqual(CALLS - 1)
})
