/** Cases: what does not change a delivery, what counts as queued, and which answer of a create goes first. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { exhausted, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const standingCases: CaseGroup = {
  group: 'what stays as it is',
  cases: [
    {
      name: 'a late attempt is counted on an ended delivery, and leaves its end as it is',
      must: 'an ended delivery keeps its state; a late attempt only shows in its count and in what came last',
      needs: ['clock'],
      async run({ subscribe, deliver, claimDelivery, record, delivery, advance }) {
        await subscribe()
        const work = await claimDelivery((await deliver()).id)
        await record(work, succeeded)
        const ended = await delivery(work.delivery.id)
        await advance(1000)
        assert.equal((await record(work, exhausted)).result, 'late')
        const after = await delivery(ended.id)
        const { attemptCount, lastStatus, lastFailure, updatedAt } = after
        assert.deepEqual(after, { ...ended, attemptCount, lastStatus, lastFailure, updatedAt })
        assert.deepEqual([attemptCount, lastStatus], [ended.attemptCount + 1, 500])
      },
    },
    {
      name: 'hold, release and a hand-back leave updatedAt as it is',
      must: "like hold and release, handBack leaves a delivery's updatedAt as it is",
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance, delivery, claimDelivery }) {
        await subscribe()
        const { id, updatedAt } = await deliver()
        await advance(1000)
        await store.hold(TENANT, SUBSCRIPTION, 10)
        assert.equal((await delivery(id)).updatedAt, updatedAt, 'hold')
        const all = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 9, ordering: 'none' } as const
        await store.release(all)
        assert.equal((await delivery(id)).updatedAt, updatedAt, 'release')
        const { claim } = await claimDelivery(id)
        await store.handBack([{ claim, delayMs: 5000 }])
        const row = await delivery(id)
        assert.deepEqual([row.updatedAt, row.nextAttemptAt], [updatedAt, (await store.now()) + 5000])
      },
    },
    {
      name: 'a claimed row counts in the backlog by its due time',
      must: 'a claimed row counts by its due time',
      needs: ['clock'],
      async run({ store, publish, publishClaimed, advance, claim }) {
        const { event } = await publishClaimed()
        await publish({ delayMs: 60_000 })
        await advance(1000)
        assert.equal((await claim()).work.length, 0)
        const { due, scheduled, held, oldestDueAt } = await store.backlog({ tenant: TENANT })
        assert.deepEqual([due, scheduled, held, oldestDueAt], [1, 1, 0, event.dueAt])
      },
    },
    {
      name: 'a taken id is null, at the limit of the tenant, too; the limit counts every state',
      must: "null when the tenant already has this id, or else 'limit' when it has perTenant subscriptions, of whatever state",
      async run({ store, subscription, subscribe }) {
        await subscribe({ state: 'disabled', disabledReason: 'user' })
        assert.equal(await store.insertSubscription(subscription(), { perTenant: 1 }), null)
        const other = subscription({ id: 'sub-b' })
        assert.equal(await store.insertSubscription(other, { perTenant: 1 }), 'limit')
        assert.equal(await store.insertSubscription(other, { perTenant: 0 }), 'limit')
        const elsewhere = subscription({ id: 'sub-b', tenantId: 'other' })
        assert.equal(typeof (await store.insertSubscription(elsewhere, { perTenant: 1 })), 'object')
      },
    },
    {
      name: 'a store is opened and closed any number of times, and keeps its rows when it is opened',
      must: 'open: makes ready; may be called twice; close may be called twice',
      async run({ store, subscribe, publish, claim, hasClock, clock }) {
        assert.ok(store.name.length > 0)
        assert.equal(typeof store.durable, 'boolean')
        const row = await subscribe()
        await publish()
        await store.open()
        await store.open()
        assert.deepEqual(await store.getSubscription(TENANT, SUBSCRIPTION), row)
        const { work, now } = await claim()
        assert.equal(work.length, 1)
        if (hasClock) assert.deepEqual([await store.now(), Math.floor(now)], [clock().now(), clock().now()])
        await store.close()
        await store.close()
      },
    },
  ],
}
