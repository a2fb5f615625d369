/** Cases: expire, cancel, and what deleting a subscription does to its deliveries. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const endingCases: CaseGroup = {
  group: 'expire, cancel, delete',
  cases: [
    {
      name: 'expire ends pending deliveries that are past their maximum age',
      must: 'ends pending, unclaimed deliveries that are past expiresAt as failed (expired); returns them',
      needs: ['clock'],
      async run({ store, subscribe, deliver, deliverHeld, advance, claim }) {
        await subscribe()
        const young = await deliverHeld({ delivery: { maxAgeMs: 60_000 } })
        const old = await deliver({ delivery: { maxAgeMs: 1000 } })
        const held = await deliverHeld({ delivery: { maxAgeMs: 1000 } })
        const tried = await deliverHeld({ delivery: { maxAgeMs: 1000 }, attempt: {} })
        assert.deepEqual(await store.expire(10), [])
        await advance(1500)
        const expired = await store.expire(10)
        assert.deepEqual(expired.map((row) => row.id).sort(), [old.id, held.id, tried.id].sort())
        for (const row of expired) {
          assert.deepEqual([row.state, row.reason, row.nextAttemptAt], ['failed', 'expired', null])
          assert.deepEqual(await store.getDelivery(TENANT, row.id), row)
        }
        assert.equal((await store.getDelivery(TENANT, young.id))?.state, 'pending')
        assert.equal((await claim()).work.length, 0)
      },
    },
    {
      name: 'expire leaves claimed deliveries to their worker, and keeps its limit',
      must: 'pending, unclaimed deliveries',
      needs: ['clock'],
      async run({ store, subscribe, deliver, claimDelivery, advance, delivery }) {
        await subscribe()
        const claimed = await deliver({ delivery: { maxAgeMs: 1000 } })
        await claimDelivery(claimed.id)
        for (let n = 0; n < 3; n++) await deliver({ delivery: { maxAgeMs: 1000 } })
        await advance(1500)
        assert.equal((await store.expire(2)).length, 2)
        assert.equal((await store.expire(2)).length, 1)
        assert.equal((await delivery(claimed.id)).state, 'pending')
      },
    },
    {
      name: 'cancel ends what its filter names, and nothing else',
      must: 'cancels pending deliveries of a tenant; returns them',
      async run({ store, subscribe, deliver, deliverHeld, delivery }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        await subscribe({ tenantId: 'other' })
        const byId = await deliver()
        const byEvent = await deliverHeld()
        const bySubscription = await deliver({ subscriptionId: 'sub-b' })
        const kept = await deliver()
        const elsewhere = await deliver({ event: { tenantId: 'other' } })
        const cancel = (filter: object) => store.cancel({ tenantId: TENANT, ...filter }, 10)
        for (const [filter, row] of [
          [{ deliveryId: byId.id }, byId],
          [{ eventId: byEvent.eventId }, byEvent],
          [{ subscriptionId: 'sub-b' }, bySubscription],
        ] as const) {
          const cancelled = await cancel(filter)
          assert.deepEqual(
            cancelled.map(({ id, state }) => [id, state]),
            [[row.id, 'cancelled']],
          )
        }
        assert.deepEqual(await cancel({ deliveryId: elsewhere.id }), [])
        assert.equal((await delivery(kept.id)).state, 'pending')
        assert.equal((await delivery(elsewhere.id, 'other')).state, 'pending')
      },
    },
    {
      name: 'cancel ends claimed deliveries too, and their worker is late',
      must: 'claimed ones too',
      async run({ store, subscribe, deliver, claimDelivery, record, delivery, claim }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        assert.equal((await store.cancel({ tenantId: TENANT }, 10)).length, 1)
        const cancelled = await delivery(id)
        assert.deepEqual([cancelled.state, cancelled.nextAttemptAt], ['cancelled', null])
        assert.equal(typeof cancelled.endedAt, 'number')
        assert.notEqual((await record(work, succeeded)).result, 'recorded')
        assert.equal((await delivery(id)).state, 'cancelled')
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'cancel keeps its limit and leaves ended deliveries alone',
      must: 'cancels pending deliveries, at most limit',
      async run({ store, subscribe, deliver, delivery }) {
        await subscribe()
        const done = await deliver({ next: succeeded })
        for (let n = 0; n < 3; n++) await deliver()
        assert.equal((await store.cancel({ tenantId: TENANT }, 2)).length, 2)
        assert.equal((await store.cancel({ tenantId: TENANT }, 2)).length, 1)
        assert.equal((await delivery(done.id)).state, 'succeeded')
      },
    },
    {
      name: 'deleting a subscription cancels its pending deliveries, claimed ones too',
      must: 'removes it and cancels its pending deliveries, claimed ones too',
      async run({ store, subscribe, deliver, deliverHeld, claimDelivery, delivery, claim }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        const done = await deliver({ next: succeeded })
        const claimed = await deliver()
        await claimDelivery(claimed.id)
        const held = await deliverHeld()
        const due = await deliver()
        const other = await deliver({ subscriptionId: 'sub-b' })
        const deleted = await store.deleteSubscription(TENANT, SUBSCRIPTION)
        for (const { id } of [claimed, held, due]) assert.equal((await delivery(id)).state, 'cancelled')
        assert.deepEqual(
          deleted?.cancelled.map(({ id, state }) => [id, state]).sort(),
          [claimed, held, due].map(({ id }) => [id, 'cancelled']).sort(),
          'it answers those that it cancelled',
        )
        assert.equal((await delivery(done.id)).state, 'succeeded')
        const { work } = await claim()
        assert.deepEqual(
          work.map((row) => row.kind === 'delivery' && row.delivery.id),
          [other.id],
        )
      },
    },
  ],
}
