/** Lists that this code filters: what they read of a big table. */
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { anyTenant } from '../../../src/model.ts'
import { sqlite } from '../../../src/stores/sql/dialects/sqlite.ts'
import { createLists } from '../../../src/stores/sql/lists.ts'
import type { Session } from '../../../src/stores/sql/session.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'

const COUNT = 1_700

/** Subscriptions of many tenants, every second one for `order.*`; some of one instant. Counts the rows that lists read. */
async function lab() {
  const client = new DatabaseSync(':memory:')
  onTestFinished(() => client.close())
  await sqliteStore({ client }).migrate()
  const table = (name: string) => sqlite.table('posthorn_', name)
  client.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${COUNT})
    insert into ${table('subscriptions')} (tenant_id, id, url, events, headers, metadata, state, secrets, settings, conditions,
      created_at, updated_at, revision)
    select 'tenant-' || (i % 7), 'sub-' || i, 'https://r.example/', case i % 2 when 0 then '["order.*"]' else '["user"]' end,
      '{}', '{}', 'active', '[]', '{}', '{}', (i / 3) * 1000, 0, 1 from n`)
  const read = { rows: 0 }
  const query = async (sql: string, parameters: readonly unknown[]) => {
    const rows = client.prepare(sql).all(...(parameters as (string | number)[]))
    read.rows += rows.length
    return rows
  }
  const { listSubscriptions } = createLists({ dialect: sqlite, table, query } as unknown as Session)
  const list = async (page: Parameters<typeof listSubscriptions>[1]) => {
    read.rows = 0
    return listSubscriptions({ tenant: anyTenant, eventType: 'order.paid' }, page)
  }
  return { list, read }
}

it('reads no more of all subscriptions than the page at hand needs', async () => {
  const { list, read } = await lab()
  expect((await list({ limit: 10 })).rows).toHaveLength(10)
  expect(read.rows).toBeLessThanOrEqual(500)
})

it('reads all of them once where a total is asked for, in pages', async () => {
  const { list, read } = await lab()
  const { rows, total } = await list({ limit: 10, offset: 20, total: true })
  expect([rows.length, total, read.rows]).toEqual([10, COUNT / 2, COUNT])
})

it('gives each row once, whether by offset or by key, with the same total', async () => {
  const { list } = await lab()
  const all = (await list({ limit: 10_000 })).rows.map(({ id }) => id)
  expect(new Set(all).size).toBe(COUNT / 2)
  const byOffset: string[] = []
  for (let offset = 0; offset < all.length; offset += 300)
    byOffset.push(...(await list({ limit: 300, offset })).rows.map(({ id }) => id))
  expect(byOffset).toEqual(all)
  const byKey: string[] = []
  for (let after: { at: number; id: string } | undefined; ; ) {
    const { rows, total } = await list({ limit: 300, total: true, ...(after === undefined ? {} : { after }) })
    byKey.push(...rows.map(({ id }) => id))
    expect(total).toBe(COUNT / 2)
    const last = rows.at(-1)
    if (last === undefined) break
    after = { at: last.createdAt, id: last.id }
  }
  expect(byKey).toEqual(all)
})
