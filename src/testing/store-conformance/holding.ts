/** Cases: hold, release in order, listHeld, backlog. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const all = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 100, ordering: 'none' } as const

/** See the file's header. */
export const holdingCases: CaseGroup = {
  group: 'holding and order',
  cases: [
    {
      name: 'a held delivery is pending, and is not claimed',
      must: 'held until released',
      async run({ store, subscribe, deliverHeld, claim }) {
        await subscribe()
        const row = await deliverHeld()
        assert.deepEqual([row.state, row.held, row.nextAttemptAt], ['pending', true, null])
        const { work, nextDueAt } = await claim()
        assert.deepEqual([work.length, nextDueAt], [0, null])
        const backlog = await store.backlog({ tenant: TENANT })
        assert.deepEqual([backlog.due, backlog.held, backlog.oldestDueAt], [0, 1, null])
      },
    },
    {
      name: 'release makes held rows due, lowest position first',
      must: 'makes held rows due, lowest position first',
      async run({ store, subscribe, deliverHeld, claimDeliveries }) {
        await subscribe()
        const ids: string[] = []
        for (let n = 0; n < 3; n++) ids.push((await deliverHeld()).id)
        const released = await store.release({ ...all, limit: 2, trigger: 'probe' })
        assert.deepEqual([released.released, released.more], [2, true])
        const work = await claimDeliveries()
        assert.deepEqual(work.map((row) => row.delivery.id).sort(), ids.slice(0, 2).sort())
        assert.deepEqual(
          work.map((row) => row.trigger),
          ['probe', 'probe'],
        )
        const rest = await store.release(all)
        assert.deepEqual([rest.released, rest.more], [1, false])
      },
    },
    {
      name: 'positions follow due times, whatever the order of expansion',
      must: 'dueAt first, then sequence',
      needs: ['clock'],
      async run({ store, event, subscribe, claimEvents, record, advance, claimDeliveries }) {
        await subscribe()
        await store.append([event({ id: 'later', delayMs: 2000 }), event({ id: 'sooner', delayMs: 1000 })])
        await advance(3000)
        const claimed = [...(await claimEvents())].reverse()
        for (const work of claimed) {
          await record(work, { state: 'held', always: true, trigger: 'event' }, { attempt: null })
        }
        await store.finish(claimed.map((work) => work.claim))
        await store.release({ ...all, limit: 1 })
        const [first] = await claimDeliveries()
        assert.equal(first?.event.id, 'sooner')
      },
    },
    {
      name: 'release touches only its tenant and subscription',
      must: 'rows of another tenant do not exist',
      async run({ store, subscribe, deliverHeld }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        await subscribe({ tenantId: 'other' })
        await deliverHeld({ subscriptionId: 'sub-b' })
        await deliverHeld({ event: { tenantId: 'other' } })
        assert.deepEqual(await store.release(all), { released: 0, more: false, nextAt: null })
        assert.equal((await store.release({ ...all, tenantId: 'other' })).released, 1)
      },
    },
    {
      name: 'ordering by subscription releases one row at a time',
      must: 'only rows with no open row of a lower position in their subscription',
      async run({ store, subscribe, deliverHeld, claimDeliveries, record }) {
        await subscribe()
        const expected: string[] = []
        for (let n = 0; n < 3; n++) expected.push((await deliverHeld()).id)
        const seen: string[] = []
        for (let n = 0; n < 3; n++) {
          const ordered = { ...all, ordering: 'subscription' } as const
          assert.equal((await store.release(ordered)).released, 1)
          assert.equal((await store.release(ordered)).released, 0, 'the first is still open')
          const [work] = await claimDeliveries()
          assert.ok(work)
          assert.equal((await store.release(ordered)).released, 0, 'claimed is open, too')
          seen.push(work.delivery.id)
          await record(work, succeeded)
        }
        assert.deepEqual(seen, expected)
      },
    },
    {
      name: 'ordering by key releases one row of each key',
      must: 'only rows with no open row of a lower position in their (subscription, key)',
      async run({ store, subscribe, deliverHeld, claimDeliveries }) {
        await subscribe()
        for (const orderingKey of ['x', 'x', 'y', 'y', 'y']) await deliverHeld({ event: { orderingKey } })
        const released = await store.release({ ...all, ordering: 'key' })
        assert.deepEqual([released.released, released.more], [2, true])
        const keys = (await claimDeliveries()).map((work) => work.event.orderingKey)
        assert.deepEqual(keys.sort(), ['x', 'y'])
      },
    },
    {
      name: 'an unexpanded event with a lower position blocks the order',
      must: 'no unexpanded event of that tenant (and key) with a lower position',
      async run({ store, publish, subscribe, deliverHeld, claimEvents }) {
        await subscribe()
        await publish({ id: 'first', orderingKey: 'x' })
        await deliverHeld({ event: { orderingKey: 'x' } })
        await deliverHeld({ event: { orderingKey: 'y' } })
        assert.equal((await store.release({ ...all, ordering: 'subscription' })).released, 0)
        assert.equal((await store.release({ ...all, ordering: 'key' })).released, 1, 'y is free')
        const [first] = await claimEvents()
        assert.ok(first)
        assert.equal((await store.release({ ...all, ordering: 'key' })).released, 0, 'claimed blocks, too')
        await store.finish([first.claim])
        assert.equal((await store.release({ ...all, ordering: 'key' })).released, 1)
      },
    },
    {
      name: 'a claimed event that has left the order blocks nobody, and stays claimed',
      must: 'takes claimed event rows out of the order; they stay claimed; lost claims are skipped',
      async run({ store, publish, subscribe, deliverHeld, claimEvents, claim }) {
        await subscribe()
        await publish()
        await deliverHeld()
        const [first] = await claimEvents()
        assert.ok(first)
        const release = () => store.release({ ...all, ordering: 'subscription' })
        assert.equal((await release()).released, 0)
        assert.equal(await store.leaveOrder([{ row: first.claim.row, token: 'forged' }]), 0)
        assert.equal((await release()).released, 0)
        assert.equal(await store.leaveOrder([first.claim]), 1)
        assert.equal((await release()).released, 1)
        assert.equal((await claim()).work.filter((work) => work.kind === 'event').length, 0)
        assert.equal(await store.finish([first.claim]), 1)
      },
    },
    {
      name: "another tenant's unexpanded event blocks nobody",
      must: 'no unexpanded event of that tenant',
      async run({ store, publish, subscribe, deliverHeld }) {
        await subscribe()
        await publish({ tenantId: 'other', orderingKey: 'x' })
        await deliverHeld({ event: { orderingKey: 'x' } })
        assert.equal((await store.release({ ...all, ordering: 'subscription' })).released, 1)
      },
    },
    {
      name: 'hold makes unclaimed rows of a subscription held, scheduled ones too',
      must: 'makes unclaimed rows of a subscription held, due ones and scheduled ones, at most limit; returns how many',
      async run({ store, subscribe, deliver, claimDelivery, delivery, claim }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        const claimed = await deliver()
        await claimDelivery(claimed.id)
        const later = { next: { state: 'pending', delayMs: 3_600_000, trigger: 'retry' } } as const
        const rows = [await deliver(), await deliver(later), await deliver()]
        const other = await deliver({ subscriptionId: 'sub-b' })
        assert.equal(await store.hold(TENANT, SUBSCRIPTION, 2), 2)
        assert.equal(await store.hold(TENANT, SUBSCRIPTION, 10), 1)
        for (const row of rows) assert.equal((await delivery(row.id)).held, true)
        assert.equal((await delivery(claimed.id)).held, false)
        const { work } = await claim()
        assert.deepEqual(
          work.map((row) => row.kind === 'delivery' && row.delivery.id),
          [other.id],
        )
      },
    },
    {
      name: 'listHeld pages through subscriptions with held rows',
      must: 'in order of (tenant, subscription) after the given one',
      async run({ store, subscribe, deliver, deliverHeld }) {
        const places = ['acme/b', 'acme/a', 'acme/\u{1F4EF}', 'acme/\u{FF5E}', 'beta/a', 'Acme/z', 'acme/a']
        for (const place of new Set(places)) {
          const [tenantId = '', id = ''] = place.split('/')
          await subscribe({ tenantId, id })
        }
        await deliver({ event: { tenantId: 'beta' }, subscriptionId: 'a' })
        for (const place of places) {
          const [tenantId = '', subscriptionId = ''] = place.split('/')
          await deliverHeld({ event: { tenantId }, subscriptionId })
        }
        const first = await store.listHeld({ after: null, limit: 2 })
        assert.deepEqual(first, [
          { tenantId: 'Acme', subscriptionId: 'z', count: 1 },
          { tenantId: 'acme', subscriptionId: 'a', count: 2 },
        ])
        const after = { tenantId: 'acme', subscriptionId: 'a' }
        assert.deepEqual(await store.listHeld({ after, limit: 9 }), [
          { tenantId: 'acme', subscriptionId: 'b', count: 1 },
          { tenantId: 'acme', subscriptionId: '\u{FF5E}', count: 1 },
          { tenantId: 'acme', subscriptionId: '\u{1F4EF}', count: 1 },
          { tenantId: 'beta', subscriptionId: 'a', count: 1 },
        ])
      },
    },
  ],
}
