/** Cases: replay. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const replayCases: CaseGroup = {
  group: 'replay',
  cases: [
    {
      name: 'replay gives a subscription an event that its fan-out did not',
      must: 'each pending, due at once, its trigger manual, its maximum age counted from now',
      needs: ['clock'],
      async run({ store, subscribe, publishClaimed, newDelivery, advance, claimDelivery, record }) {
        const { event, claim } = await publishClaimed()
        await store.finish([claim])
        await advance(60_000)
        await subscribe()
        const delivery = newDelivery({ body: '{"own":1}', headers: { 'x-own': 'yes' }, maxAgeMs: 5000 })
        const [row] = await store.replay(TENANT, [{ eventId: event.id, delivery }])
        assert.ok(row !== null && typeof row === 'object')
        const now = await store.now()
        assert.deepEqual(
          [row.id, row.state, row.attemptCount, row.body, row.headers],
          [delivery.id, 'pending', 0, '{"own":1}', { 'x-own': 'yes' }],
        )
        assert.ok(row.expiresAt > now && row.expiresAt <= now + 5000)
        const work = await claimDelivery(delivery.id)
        assert.deepEqual([work.trigger, work.event.id], ['manual', event.id])
        assert.equal((await record(work, succeeded)).attempt?.number, 1)
      },
    },
    {
      name: 'replay leaves a delivery that exists as it is',
      must: 'exists: the event has one for this subscription, which stays as it is',
      async run({ store, subscribe, deliver, newDelivery, delivery, claim }) {
        await subscribe()
        const before = await deliver({ next: succeeded })
        const entry = { eventId: before.eventId, delivery: newDelivery() }
        assert.deepEqual(await store.replay(TENANT, [entry]), ['exists'])
        assert.deepEqual(await delivery(before.id), before)
        assert.equal((await claim()).work.length, 0)
      },
    },
    {
      name: 'replay makes one delivery, however many ask at once',
      must: 'it is atomic; concurrent calls behave as if one came after the other',
      async run({ store, subscribe, publishClaimed, newDelivery, claimDeliveries }) {
        await subscribe()
        const { event, claim } = await publishClaimed()
        await store.finish([claim])
        const ask = () => store.replay(TENANT, [{ eventId: event.id, delivery: newDelivery() }])
        const results = (await Promise.all(Array.from({ length: 8 }, ask))).flat()
        assert.equal(results.filter((result) => result === 'exists').length, 7)
        assert.equal((await claimDeliveries()).length, 1)
      },
    },
    {
      name: 'replay waits for a fan-out that is not over',
      must: "waiting: the event's own queue row (or one of its ranges) is still there",
      async run({ store, subscribe, publishClaimed, newDelivery, claimEvents, delivery }) {
        await subscribe()
        const { event, claim } = await publishClaimed()
        const entry = { eventId: event.id, delivery: newDelivery() }
        assert.deepEqual(await store.replay(TENANT, [entry]), ['waiting'])
        await store.split(claim, [{ after: null, upTo: null }])
        assert.deepEqual(await store.replay(TENANT, [entry]), ['waiting'])
        await store.finish((await claimEvents()).map((work) => work.claim))
        const [row] = await store.replay(TENANT, [entry])
        assert.deepEqual(row, await delivery(entry.delivery.id))
      },
    },
    {
      name: 'replay answers for each entry: pruned, or null for what is not there',
      must: 'pruned: the body is gone; null: the event or the subscription does not exist; in order',
      needs: ['clock'],
      async run({ store, subscribe, deliver, publishClaimed, newDelivery, advance, claim }) {
        await subscribe()
        await subscribe({ id: 'sub-b' })
        const { eventId } = await deliver({ next: succeeded })
        await advance(10_000)
        await store.prune({ bodyAgeMs: 5000, limit: 10 })
        const fresh = await publishClaimed()
        await store.finish([fresh.claim])
        const delivery = () => newDelivery({ subscriptionId: 'sub-b' })
        const entries = [
          { eventId, delivery: delivery() },
          { eventId: 'none', delivery: delivery() },
          { eventId: fresh.event.id, delivery: newDelivery({ subscriptionId: 'sub-none' }) },
        ]
        assert.deepEqual(await store.replay(TENANT, entries), ['pruned', null, null])
        assert.deepEqual(await store.replay('other', entries), [null, null, null])
        assert.equal((await claim()).work.length, 0)
      },
    },
    {
      name: 'a delivery id that is taken rejects the replay, and nothing of it is stored',
      must: 'a delivery id that the tenant has already, of an entry that would get a delivery, rejects the call, which then has stored nothing',
      async run({ store, subscribe, deliver, newDelivery, delivery, claim, publishClaimed }) {
        await subscribe()
        const first = await deliver({ next: succeeded })
        await subscribe({ id: 'sub-b' })
        await subscribe({ id: 'sub-c' })
        const { event, claim: last } = await publishClaimed()
        await store.finish([last])
        const entry = (subscriptionId: string, id: string) => ({
          eventId: event.id,
          delivery: newDelivery({ id, subscriptionId }),
        })
        for (const id of [first.id, 'fresh'])
          await assert.rejects(async () =>
            store.replay(TENANT, [entry('sub-b', 'fresh'), entry('sub-c', id)]),
          )
        assert.equal(await store.getDelivery(TENANT, 'fresh'), null)
        assert.deepEqual(await delivery(first.id), first)
        assert.deepEqual((await claim()).work, [])
        const again = { eventId: first.eventId, delivery: newDelivery({ id: first.id }) }
        assert.deepEqual(await store.replay(TENANT, [again]), ['exists'])
        const [given, exists] = await store.replay(TENANT, [entry('sub-b', 'fresh'), entry('sub-b', 'fresh')])
        assert.deepEqual([given, exists], [await delivery('fresh'), 'exists'])
      },
    },
    {
      name: 'a replayed delivery is one like any other',
      must: 'one pending delivery of an event and a subscription at most',
      async run({ store, subscribe, publishClaimed, newDelivery, claimDelivery, record }) {
        await subscribe()
        const { event, claim } = await publishClaimed()
        await store.finish([claim])
        const delivery = newDelivery()
        await store.replay(TENANT, [{ eventId: event.id, delivery }])
        const range = { after: null, upTo: null }
        assert.deepEqual(await store.expanded(TENANT, event.id, range), [SUBSCRIPTION])
        const recorded = await record(await claimDelivery(delivery.id), dueNow)
        assert.equal(recorded.delivery?.state, 'pending')
        const cancelled = await store.cancel({ tenantId: TENANT, subscriptionId: SUBSCRIPTION }, 10)
        assert.deepEqual(
          cancelled.map((row) => row.id),
          [delivery.id],
        )
      },
    },
  ],
}
