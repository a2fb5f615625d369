/** Ids that no row can have, and cursors that nobody was given, in every store: not found or refused, never a database's error. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyTenant, createWebhooks, type Store } from '../src/index.ts'
import { encodeCursor } from '../src/input/cursor.ts'
import type { TenantOptions } from '../src/input/tenant.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { postgresStore } from '../src/stores/postgres.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { createPostgresDatabase } from './support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from './support/databases/sqlite.ts'
import { quietLogger } from './support/setup.ts'

const stores: Record<string, Store<never>> = { memory: memoryStore() }
const undo: (() => unknown)[] = []

beforeAll(async () => {
  const database = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  const file = await createSqliteFile()
  const client = sqliteDrivers['node:sqlite'](file.path)
  const sql = { postgres: postgresStore({ client: pool }), sqlite: sqliteStore({ client }) }
  for (const store of Object.values(sql)) await store.migrate()
  Object.assign(stores, sql)
  undo.push(
    () => client.close(),
    () => file.remove(),
    () => pool.end(),
    () => database.drop(),
  )
})

afterAll(async () => {
  for (const step of undo) await step()
})

const ids: readonly unknown[] = [
  ...[undefined, null, true, {}, [], ['a'], new Date(0), 10n, Symbol('id'), Number.NaN, 1.5, -1, 0, 1e30],
  ...[2 ** 53, '', 'unknown', 'a\0b', '\ud800', "' or 1=1 --", 'é'.normalize('NFD'), 'x'.repeat(1_000_000)],
]

describe.each(['memory', 'sqlite', 'postgres'])('on %s', (name) => {
  const made = () => createWebhooks({ store: stores[name] as Store<never>, logger: quietLogger })

  it.each(['one tenant', 'any tenant'])('an id that no row can have is not found, for %s', async (who) => {
    const { subscriptions, deliveries, events, jobs } = made()
    const scope: TenantOptions = { tenantId: who === 'one tenant' ? 'acme' : anyTenant }
    for (const given of ids) {
      const id = given as string
      const calls = {
        'subscriptions.get': () => subscriptions.get(id, scope),
        'subscriptions.update': () => subscriptions.update(id, { name: 'n' }, scope),
        'subscriptions.delete': () => subscriptions.delete(id, scope),
        'subscriptions.pause': () => subscriptions.pause(id, scope),
        'subscriptions.rotateSecret': () => subscriptions.rotateSecret(id, scope),
        'subscriptions.revealSecret': () => subscriptions.revealSecret(id, scope),
        'subscriptions.test': () => subscriptions.test(id, scope),
        'deliveries.get': () => deliveries.get(id, scope),
        'deliveries.redeliver': () => deliveries.redeliver(id, scope),
        'events.get': () => events.get(id, scope),
        'jobs.get': () => jobs.get(id, scope),
        'jobs.stop': () => jobs.stop(id, scope),
      }
      for (const [call, ask] of Object.entries(calls))
        await expect(ask(), `${call} ${String(id).slice(0, 20)}`).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it.each(['a\0b', '\ud800', 5, null, {}, []])('%j as a filter is refused', async (bad) => {
    const { subscriptions, deliveries, attempts, events } = made()
    const scope = { tenantId: 'acme' }
    const lists = [
      () => subscriptions.list({ ...scope, eventType: bad as string }),
      () => deliveries.list({ ...scope, subscriptionId: bad as string }),
      () => attempts.list({ ...scope, deliveryId: bad as string }),
      () => events.list({ ...scope, type: bad as string }),
    ]
    for (const list of lists) await expect(list()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each([
    { at: 1e300, id: 'a' },
    { at: -1, id: 'a' },
    { at: 8.64e15, id: 'a' },
    { at: 0, id: 'a\0' },
    { at: 0, id: '\ud800' },
  ])('a cursor that somebody made of %j is refused', async (position) => {
    const { subscriptions, deliveries, attempts, events, jobs } = made()
    const page = { tenantId: 'acme', cursor: encodeCursor(position) }
    for (const list of [
      subscriptions.list(page),
      deliveries.list(page),
      attempts.list(page),
      events.list(page),
      jobs.list(page),
    ])
      await expect(list).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
  })
})
