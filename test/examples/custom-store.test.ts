/** The example of a custom store passes the conformance kit over stores that answer later and at once, and sends. */
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { type WatchedOperation, watchedStore } from '../../examples/custom-store/watched-store.ts'
import { createWebhooks, defineEvents } from '../../src/index.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { fakeTransport, heldTransaction, manualClock, storeConformance } from '../../src/testing/index.ts'
import { emptyStores } from '../stores/sql/make-store.ts'
import { createSqliteFile } from '../support/databases/sqlite.ts'

const cases = storeConformance(async () => {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  return {
    store: watchedStore(inner, () => {}, clock.monotonic),
    clock,
    transaction: () => heldTransaction<unknown>((work) => inner.transaction(work)),
  }
})

let file: Awaited<ReturnType<typeof createSqliteFile>>
let client: InstanceType<typeof DatabaseSync>

beforeAll(async () => {
  file = await createSqliteFile()
  client = new DatabaseSync(file.path)
})

afterAll(async () => {
  client.close()
  await file.remove()
})

const onSqlite = emptyStores(() => ({
  store: (clock) => watchedStore(sqliteStore({ client, clock }), () => {}, clock.monotonic) as never,
  run: async (sql) => client.exec(sql),
  table: (name) => `posthorn_${name}`,
  transaction: async () => {
    client.exec('begin immediate')
    return {
      tx: client,
      commit: async () => client.exec('commit'),
      rollback: async () => client.exec('rollback'),
    }
  },
}))

describe('watchedStore over sqliteStore', () => {
  for (const conformance of storeConformance(onSqlite)) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }

  it('regression: a publish that is refused throws before its synchronous transaction commits', async () => {
    const { store } = await onSqlite()
    const events = defineEvents({ 'order.paid': z.object({ n: z.number() }) })
    const webhooks = createWebhooks({ store: store as Store<unknown>, events })
    client.exec('begin immediate')
    const publish = () =>
      webhooks.publish('order.paid', { n: 'x' } as never, { tenantId: 'acme', tx: client })
    expect(publish).toThrow(expect.objectContaining({ code: 'INVALID_PAYLOAD' }))
    client.exec('rollback')
    await webhooks.stop()
    await store.close()
  })
})

describe('watchedStore', () => {
  for (const conformance of cases) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }

  it('tells of each operation of a delivery', async () => {
    const told: WatchedOperation[] = []
    const store = watchedStore(memoryStore(), (operation) => told.push(operation))
    const webhooks = createWebhooks({ store, transport: fakeTransport() })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: 'https://example.com/hook' })
    await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const names = told.map(({ operation }) => operation)
    expect(names).toEqual(expect.arrayContaining(['insertSubscription', 'append', 'claim', 'record']))
    expect(told.every(({ succeeded, elapsedMs }) => succeeded && elapsedMs >= 0)).toBe(true)
  })

  it('watches an instance of a class, too', async () => {
    class Clockwork {
      readonly name = 'clockwork'
      readonly #at = 7
      async now() {
        return this.#at
      }
    }
    const told: WatchedOperation[] = []
    const store = watchedStore(new Clockwork() as never, (operation) => told.push(operation))
    expect([store.name, await store.now()]).toEqual(['clockwork', 7])
    expect(told).toMatchObject([{ operation: 'now', succeeded: true }])
  })

  it('tells of an operation that failed, and hands the error on', async () => {
    const told: WatchedOperation[] = []
    const broken = { ...memoryStore(), now: () => Promise.reject(new Error('the disk is full')) }
    await expect(watchedStore(broken, (one) => told.push(one)).now()).rejects.toThrow('the disk is full')
    expect(told).toMatchObject([{ operation: 'now', succeeded: false }])
  })
})
