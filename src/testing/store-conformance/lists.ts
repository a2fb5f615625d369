/** Cases: lists by key and by offset, their filters, and tenant isolation. */
import assert from 'node:assert/strict'
import type { TenantFilter } from '../../lists.ts'
import { anyTenant } from '../../model.ts'
import type { EventRecord } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { exhausted, type Lab, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const page = { limit: 100 }

/** Pages through the tenant's events by key; `between` runs after each page. */
async function allEvents(
  { store }: Lab,
  order: 'newest' | 'oldest',
  between?: () => Promise<unknown>,
): Promise<readonly EventRecord[]> {
  const seen: EventRecord[] = []
  for (let turn = 0; turn < 50; turn++) {
    const last = seen.at(-1)
    const after = last === undefined ? {} : { after: { at: last.publishedAt, id: last.id } }
    const { rows } = await store.listEvents({ tenant: TENANT }, { limit: 3, order, ...after })
    if (rows.length === 0) return seen
    seen.push(...rows)
    await between?.()
  }
  throw new Error('paging does not end')
}

/** See the file's header. */
export const listCases: CaseGroup = {
  group: 'lists',
  cases: [
    {
      name: 'paging by key sees every row once, in both orders',
      must: 'rows strictly after `after`; newest first by (instant, id) unless oldest',
      async run(lab) {
        for (let n = 0; n < 10; n++) await lab.publish({ id: `evt-${(n * 7) % 10}` })
        const oldest = await allEvents(lab, 'oldest')
        assert.equal(new Set(oldest.map((row) => row.id)).size, 10)
        assert.equal(oldest.length, 10)
        const newest = await allEvents(lab, 'newest')
        const ids = (rows: readonly EventRecord[]) => rows.map((row) => row.id)
        assert.deepEqual(ids(newest), ids(oldest).reverse())
        const before = (a: EventRecord, b: EventRecord) =>
          a.publishedAt < b.publishedAt || (a.publishedAt === b.publishedAt && a.id < b.id)
        oldest.slice(1).forEach((row, n) => {
          const previous = oldest[n]
          assert.ok(previous && before(previous, row), 'ordered by (instant, id)')
        })
      },
    },
    {
      name: 'paging by key neither skips nor repeats while rows are inserted',
      must: 'by key: rows strictly after `after`',
      async run(lab) {
        const first: string[] = []
        for (let n = 0; n < 9; n++) first.push((await lab.publish()).id)
        const seen = (await allEvents(lab, 'newest', () => lab.publish())).map((row) => row.id)
        assert.equal(new Set(seen).size, seen.length, 'no row twice')
        for (const id of first) assert.ok(seen.includes(id), 'no row is skipped')
      },
    },
    {
      name: 'paging by offset counts all matching rows when asked',
      must: 'offset; total is null unless it was asked for',
      async run({ store, publish }) {
        for (let n = 0; n < 7; n++) await publish()
        await publish({ tenantId: 'other' })
        const filter = { tenant: TENANT }
        const whole = await store.listEvents(filter, page)
        assert.equal(whole.total, null)
        const part = await store.listEvents(filter, { limit: 3, offset: 5, total: true })
        assert.equal(part.total, 7)
        assert.deepEqual(part.rows, whole.rows.slice(5))
      },
    },
    {
      name: 'events are filtered by type and time',
      must: 'publishedAt ≥ since, < until',
      needs: ['clock'],
      async run({ store, publish, advance }) {
        const rows: EventRecord[] = []
        for (const type of ['a', 'b', 'a']) {
          rows.push(await publish({ type }))
          await advance(1000)
        }
        const [, second, third] = rows
        const ids = async (filter: object) =>
          (await store.listEvents({ tenant: TENANT, ...filter }, { limit: 9, order: 'oldest' })).rows.map(
            (row) => row.id,
          )
        assert.deepEqual(await ids({ type: 'b' }), [second?.id])
        assert.deepEqual(await ids({ since: second?.publishedAt }), [second?.id, third?.id])
        assert.deepEqual(await ids({ since: second?.publishedAt, until: third?.publishedAt }), [second?.id])
      },
    },
    {
      name: 'deliveries and attempts are filtered by what their rows say',
      must: 'DeliveryFilter, AttemptFilter',
      async run({ store, subscribe, deliver }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        const good = await deliver({ next: succeeded, event: { type: 'a' } })
        const bad = await deliver({ next: exhausted, subscriptionId: 'sub-b', event: { type: 'b' } })
        const filters: object[] = [
          { subscriptionId: 'sub-b' },
          { eventId: bad.eventId },
          { type: 'b' },
          { subscriptionId: 'sub-b', type: 'b' },
        ]
        for (const filter of [...filters, { state: 'failed' }]) {
          const { rows } = await store.listDeliveries({ tenant: TENANT, ...filter }, page)
          assert.deepEqual(rows, [bad])
        }
        for (const filter of [...filters, { deliveryId: bad.id }]) {
          const { rows } = await store.listAttempts({ tenant: TENANT, ...filter }, page)
          assert.deepEqual(
            rows.map((row) => row.deliveryId),
            [bad.id],
          )
        }
        const both = await store.listDeliveries({ tenant: TENANT, until: good.createdAt }, page)
        assert.ok(!both.rows.some((row) => row.id === good.id), 'until is exclusive')
      },
    },
    {
      name: 'subscriptions are filtered by state, metadata and event type',
      must: 'holds this exact name or pattern, or a pattern that matches it; each key has exactly this value',
      async run({ store, subscribe }) {
        await subscribe({ id: 'a', events: ['order.*'], metadata: { plan: 'pro', area: 'eu' } })
        await subscribe({ id: 'b', events: ['order.paid'], metadata: { plan: 'free' } })
        await subscribe({ id: 'c', events: ['invoice.paid', 'order'], state: 'paused' })
        const ids = async (filter: object) =>
          (await store.listSubscriptions({ tenant: TENANT, ...filter }, page)).rows
            .map((row) => row.id)
            .sort()
        assert.deepEqual(await ids({}), ['a', 'b', 'c'])
        assert.deepEqual(await ids({ state: 'paused' }), ['c'])
        assert.deepEqual(await ids({ eventType: 'order.paid' }), ['a', 'b'])
        assert.deepEqual(await ids({ eventType: 'order.*' }), ['a'])
        assert.deepEqual(await ids({ eventType: 'order' }), ['c'])
        assert.deepEqual(await ids({ metadata: { plan: 'pro' } }), ['a'])
        assert.deepEqual(await ids({ metadata: { plan: 'free', area: 'eu' } }), [])
      },
    },
    {
      name: 'a tenant never sees the rows of another',
      must: "rows of another tenant than the scope's do not exist",
      async run({ store, subscribe, deliver }) {
        await subscribe({ tenantId: 'other' })
        const row = await deliver({ event: { tenantId: 'other' } })
        const filter = { tenant: TENANT }
        assert.equal(await store.getEvent(TENANT, row.eventId), null)
        assert.equal(await store.getDelivery(TENANT, row.id), null)
        assert.equal(await store.getDelivery(TENANT, row.number), null)
        assert.deepEqual((await store.listEvents(filter, page)).rows, [])
        assert.deepEqual((await store.listDeliveries(filter, page)).rows, [])
        assert.deepEqual((await store.listDeliveries({ ...filter, eventId: row.eventId }, page)).rows, [])
        assert.deepEqual((await store.listAttempts({ ...filter, deliveryId: row.id }, page)).rows, [])
        assert.deepEqual((await store.listSubscriptions(filter, page)).rows, [])
        const { due, scheduled, held } = await store.backlog(filter)
        assert.deepEqual([due, scheduled, held], [0, 0, 0])
      },
    },
    {
      name: 'an operator reaches the row of any tenant',
      must: "rows of another tenant than the scope's do not exist: the scope of anyTenant is every one; by id, or by number",
      async run({ store, subscribe, deliver, delivery }) {
        const row = await subscribe({ tenantId: 'other' })
        const { id } = await deliver({ event: { tenantId: 'other' } })
        const owed = await delivery(id, 'other')
        assert.deepEqual(await store.getSubscription(anyTenant, row.id), row)
        assert.equal((await store.getEvent(anyTenant, owed.eventId))?.tenantId, 'other')
        for (const one of [id, owed.number]) assert.deepEqual(await store.getDelivery(anyTenant, one), owed)
        const text = String(owed.number)
        assert.equal(await store.getDelivery('other', text), null, 'a text is an id')
        const manual = { trigger: 'manual', maxAgeMs: 5_000 } as const
        assert.equal(await store.redeliver('other', text, manual), null)
        const again = await store.redeliver(anyTenant, id, manual)
        assert.ok(again !== null && again !== 'pruned')
        const named = await store.updateSubscription(anyTenant, row.id, { name: 'x' })
        assert.ok(named !== null && named !== 'conflict')
        const deleted = await store.deleteSubscription(anyTenant, row.id)
        assert.deepEqual(
          deleted?.cancelled.map(({ tenantId }) => tenantId),
          ['other'],
        )
        assert.deepEqual(deleted?.subscription, named)
        for (const of of ['getSubscription', 'getEvent', 'getDelivery'] as const)
          assert.equal(await store[of](anyTenant, 'none'), null)
      },
    },
    {
      name: 'a list shows one tenant, several, or every',
      must: 'tenants whose rows a list shows: one, several, or every',
      async run({ store, publish, subscribe }) {
        for (const tenantId of ['a', 'b', 'c']) {
          await subscribe({ tenantId })
          await publish({ tenantId })
        }
        const tenants = async (tenant: string | readonly string[] | typeof anyTenant) =>
          (await store.listEvents({ tenant }, page)).rows.map((row) => row.tenantId).sort()
        assert.deepEqual(await tenants('b'), ['b'])
        assert.deepEqual(await tenants(['a', 'c']), ['a', 'c'])
        assert.deepEqual(await tenants([]), [])
        assert.deepEqual(await tenants(anyTenant), ['a', 'b', 'c'])
      },
    },
    {
      name: 'backlog counts what is due, scheduled and held',
      must: 'how much is queued: due now, scheduled, held; the due time of the oldest due row',
      async run({ store, publish, subscribe, deliver, deliverHeld }) {
        await subscribe()
        const oldest = await publish()
        await publish({ delayMs: 3_600_000 })
        await deliver()
        await deliverHeld()
        const whole = await store.backlog({ tenant: TENANT })
        assert.deepEqual(whole, { due: 2, scheduled: 1, held: 1, oldestDueAt: oldest.dueAt })
        const one = await store.backlog({ tenant: TENANT, subscriptionId: SUBSCRIPTION })
        assert.deepEqual([one.due, one.scheduled, one.held], [1, 0, 1])
        for (const tenantId of ['beta', 'gamma']) {
          await subscribe({ tenantId })
          await deliver({ event: { tenantId } })
        }
        const of = async (tenant: TenantFilter, subscriptionId?: string) => {
          const ofOne = subscriptionId === undefined ? {} : { subscriptionId }
          const { due, scheduled, held, oldestDueAt } = await store.backlog({ tenant, ...ofOne })
          return [due, scheduled, held, oldestDueAt !== null]
        }
        assert.deepEqual(await of(anyTenant), [4, 1, 1, true])
        assert.deepEqual(await of(anyTenant, SUBSCRIPTION), [3, 0, 1, true])
        assert.deepEqual(await of([TENANT, 'beta', TENANT]), [3, 1, 1, true])
        assert.deepEqual(await of(['beta', 'none'], SUBSCRIPTION), [1, 0, 0, true])
        for (const nobody of ['none', []]) assert.deepEqual(await of(nobody), [0, 0, 0, false])
      },
    },
  ],
}
