/** Cases: from when history is old, what prune leaves to be sent, and what its limit counts. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { exhausted, LEASE_MS, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const DAY = 86_400_000
const everything = { finishedAgeMs: 1, bodyAgeMs: 1, keyAgeMs: 1, limit: 10 }

/** See the file's header. */
export const pruneOwedCases: CaseGroup = {
  group: 'prune what is owed',
  cases: [
    {
      name: 'an event of which ranges are left is not pruned',
      must: 'never what is undelivered',
      needs: ['clock'],
      async run({ store, subscribe, publishClaimed, record, advance, claimEvents }) {
        await subscribe()
        const work = await publishClaimed({ idempotencyKey: 'key' })
        await record(work, succeeded)
        await store.split(work.claim, [
          { after: SUBSCRIPTION, upTo: 'sub-m' },
          { after: 'sub-m', upTo: null },
        ])
        await advance(DAY)
        assert.deepEqual(await store.prune(everything), { events: 0, bodies: 0, keys: 0 })
        const ranges = await claimEvents()
        assert.deepEqual(
          ranges.map(({ event }) => event.body),
          ['{"n":1}', '{"n":1}'],
        )
        await store.finish(ranges.slice(1).map(({ claim }) => claim))
        assert.deepEqual(await store.prune(everything), { events: 0, bodies: 0, keys: 0 })
        await store.finish(ranges.map(({ claim }) => claim))
        assert.equal((await store.prune(everything)).events, 1)
      },
    },
    {
      name: 'an event is old from the end of its last delivery, whenever it was published',
      must: 'events whose deliveries have all ended this long ago',
      needs: ['clock'],
      async run({ store, subscribe, publishClaimed, record, advance, claimDelivery }) {
        for (const id of ['sub-a', 'sub-b']) await subscribe({ id })
        const work = await publishClaimed()
        await record(work, succeeded, { subscriptionId: 'sub-a' })
        const retry = { state: 'pending', delayMs: DAY, trigger: 'retry' } as const
        const { delivery } = await record(work, retry, { subscriptionId: 'sub-b' })
        await store.finish([work.claim])
        await advance(DAY)
        await record(await claimDelivery(delivery?.id ?? ''), exhausted)
        await advance(DAY - 1)
        const none = { events: 0, bodies: 0, keys: 0 }
        assert.deepEqual(await store.prune({ finishedAgeMs: DAY, bodyAgeMs: DAY, limit: 10 }), none)
        await advance(1)
        assert.deepEqual(await store.prune({ bodyAgeMs: DAY, limit: 10 }), { ...none, bodies: 1 })
        assert.deepEqual(await store.prune({ finishedAgeMs: DAY, limit: 10 }), { ...none, events: 1 })
      },
    },
    {
      name: 'a body is pruned with those that deliveries have of their own',
      must: "bodies (and excerpts, and deliveries' own bodies) of events whose deliveries have all ended",
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance, delivery }) {
        await subscribe()
        const { id } = await deliver({ next: succeeded, delivery: { body: '{"own":1}' } })
        assert.equal((await delivery(id)).body, '{"own":1}')
        await advance(DAY)
        assert.equal((await store.prune({ bodyAgeMs: 1, limit: 10 })).bodies, 1)
        assert.equal((await delivery(id)).body, null)
      },
    },
    {
      name: 'the limit of prune counts events of all tenants, and bodies and keys, too',
      must: 'at most limit events a call',
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance }) {
        for (const tenantId of [TENANT, 'other']) {
          await subscribe({ tenantId })
          for (const idempotencyKey of ['one', 'two'])
            await deliver({ next: succeeded, event: { tenantId, idempotencyKey } })
        }
        await advance(DAY)
        const counts = async (request: Parameters<typeof store.prune>[0]) => {
          const { events, bodies, keys } = await store.prune(request)
          return events + bodies + keys
        }
        for (const age of ['keyAgeMs', 'bodyAgeMs', 'finishedAgeMs']) {
          assert.equal(await counts({ [age]: 1, limit: 3 }), 3, age)
          assert.equal(await counts({ [age]: 1, limit: 3 }), 1, age)
          assert.equal(await counts({ [age]: 1, limit: 3 }), 0, age)
        }
      },
    },
    {
      name: 'a one-use destination is erased whatever ends its delivery',
      must: 'the sealed one-use destination; erased (null) when the delivery ends',
      needs: ['clock'],
      async run({ store, publish, newDelivery, advance, claimDelivery, record, delivery }) {
        const addressee = () => newDelivery({ subscriptionId: null, destination: 'sealed', maxAgeMs: 1000 })
        const [expired, cancelled, late] = [addressee(), addressee(), addressee()]
        for (const one of [expired, cancelled, late]) await publish({ addressee: one })
        assert.equal((await delivery(expired.id)).destination, 'sealed')
        await record(await claimDelivery(late.id), succeeded, { token: 'forged' })
        await store.cancel({ tenantId: TENANT, deliveryId: cancelled.id }, 1)
        await advance(LEASE_MS + 1)
        assert.deepEqual(
          (await store.expire(10)).map(({ id, destination }) => [id, destination]),
          [[expired.id, null]],
          'a claim whose lease is over keeps nobody from ending it',
        )
        for (const { id } of [expired, cancelled, late]) assert.equal((await delivery(id)).destination, null)
      },
    },
    {
      name: 'deleting a subscription cancels its test deliveries, too',
      must: 'removes it and cancels its pending deliveries, claimed ones too',
      async run({ store, subscribe, publish, newDelivery, delivery, claim }) {
        await subscribe()
        const addressee = newDelivery({ test: true })
        await publish({ test: true, addressee })
        const deleted = await store.deleteSubscription(TENANT, SUBSCRIPTION)
        assert.deepEqual(
          deleted?.cancelled.map(({ id }) => id),
          [addressee.id],
        )
        assert.equal((await delivery(addressee.id)).state, 'cancelled')
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'hold takes rows whose lease is over',
      must: 'makes unclaimed rows of a subscription held; a claim whose lease is over is none',
      needs: ['clock'],
      async run({ store, subscribe, deliver, claimDelivery, advance, delivery }) {
        await subscribe()
        const { id } = await deliver()
        const { claim } = await claimDelivery(id)
        await advance(LEASE_MS + 1)
        assert.equal(await store.hold(TENANT, SUBSCRIPTION, 10), 1)
        assert.equal((await delivery(id)).held, true)
        assert.equal(await store.handBack([{ claim, delayMs: 0 }]), 0, 'the claim is lost')
      },
    },
  ],
}
