/** Compares everything that can be read, in pages drawn by chance. */
import assert from 'node:assert/strict'
import type { Page, Rows, TenantFilter } from '../../../lists.ts'
import { anyTenant } from '../../../model.ts'
import type { Store } from '../../../store.ts'
import { comparable } from '../comparable.ts'
import { both, MANY, once, pick, type Run, TENANTS } from './run.ts'

interface Listed {
  readonly tenantId: string
  readonly id: string
}

/** What a page is like. */
interface Paging {
  readonly limit: number
  readonly order: 'newest' | 'oldest'
  readonly byKey: boolean
}

/** A list of one tenant as a whole, page by page; its own order is checked, since stamps of one millisecond are a store's own. */
async function pages<Row extends Listed>(
  list: (page: Page) => Promise<Rows<Row>>,
  { limit, order, byKey }: Paging,
  instant: (row: Row) => number,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (;;) {
    const last = rows.at(-1)
    const after = last === undefined ? {} : { after: { id: last.id, at: instant(last) } }
    const place = byKey ? after : { offset: rows.length }
    const page = await list({ limit, order, total: true, ...place })
    for (const row of page.rows) {
      const before = rows.at(-1)
      if (before !== undefined) {
        const [one, other] = order === 'oldest' ? [before, row] : [row, before]
        const isInOrder =
          instant(one) < instant(other) || (instant(one) === instant(other) && one.id < other.id)
        assert.ok(isInOrder, 'a list is in the order of (instant, id)')
      }
      rows.push(row)
    }
    if (page.rows.length < limit) {
      assert.equal(page.total, rows.length, 'total')
      return rows
    }
  }
}

const byName = (a: Listed, b: Listed): number => {
  const [one, other] = [JSON.stringify([a.tenantId, a.id]), JSON.stringify([b.tenantId, b.id])]
  return one < other ? -1 : 1
}

async function compareList<Row extends Listed>(
  run: Run,
  list: (store: Store<unknown>, tenant: TenantFilter, page: Page) => Promise<Rows<Row>>,
  instant: (row: Row) => number,
): Promise<void> {
  const tenants = pick<readonly TenantFilter[]>(run, [TENANTS, TENANTS, [anyTenant], [TENANTS]])
  const order = pick(run, ['newest', 'oldest'] as const)
  const paging = { limit: pick(run, [MANY, 7]), order, byKey: once(run, 2) }
  await both(run, async (store) => {
    const all: Row[] = []
    for (const tenant of tenants)
      if (typeof tenant === 'string')
        all.push(...(await pages((page) => list(store, tenant, page), paging, instant)))
      else all.push(...(await list(store, tenant, { limit: MANY })).rows)
    return all.sort(byName)
  })
}

/** Where the model's version has moved since the last comparison, the store's has. */
async function compareVersion(run: Run, tenantId: string): Promise<void> {
  const range = { after: null, upTo: null, limit: 2 }
  const [answer, wanted] = [
    await run.store.snapshot(tenantId, range),
    await run.model.snapshot(tenantId, range),
  ]
  assert.deepEqual(comparable(answer), comparable(wanted))
  const before = run.versions.get(tenantId)
  if (before !== undefined && before.model !== wanted.version)
    assert.notEqual(answer.version, before.store, 'a change of subscriptions moves the version')
  run.versions.set(tenantId, { store: answer.version, model: wanted.version })
}

/** Compares what the lists, the backlog and a snapshot show. */
export async function compareRows(run: Run): Promise<void> {
  await compareList(
    run,
    (store, tenant, page) => store.listSubscriptions({ tenant }, page),
    (row) => row.createdAt,
  )
  await compareList(
    run,
    (store, tenant, page) => store.listEvents({ tenant }, page),
    (row) => row.publishedAt,
  )
  await compareList(
    run,
    (store, tenant, page) => store.listDeliveries({ tenant }, page),
    (row) => row.createdAt,
  )
  await compareList(
    run,
    (store, tenant, page) => store.listAttempts({ tenant }, page),
    (row) => row.startedAt,
  )
  await both(run, async (store) => {
    const { rows } = await store.listJobs({ tenant: TENANTS }, { limit: MANY })
    return rows.map(({ tenantId, addedAt, job }) => ({ tenantId, addedAt, job }))
  })
  for (const tenant of TENANTS) {
    await both(run, (store) => store.backlog({ tenant }))
    await compareVersion(run, tenant)
  }
  await both(run, (store) => store.backlog({ tenant: TENANTS, subscriptionId: 'sub-a' }))
  await both(run, (store) => store.listHeld({ after: null, limit: MANY }))
}
