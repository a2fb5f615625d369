/** Cases: redeliver. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { exhausted, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const manual = { trigger: 'manual', maxAgeMs: 5000 } as const

/** See the file's header. */
export const redeliverCases: CaseGroup = {
  group: 'redeliver',
  cases: [
    {
      name: 'redeliver opens an ended delivery in a new round',
      must: 'opens an ended delivery again (pending, due at once, a new round, a new maximum age)',
      async run({ store, subscribe, deliver, claimDelivery, record }) {
        await subscribe()
        const { id } = await deliver({ next: exhausted })
        const now = await store.now()
        const row = await store.redeliver(TENANT, id, manual)
        assert.ok(row !== null && row !== 'pruned')
        assert.deepEqual(
          [row.state, row.reason, row.endedAt, row.attemptCount, row.roundStart],
          ['pending', null, null, 1, 1],
        )
        assert.ok(row.expiresAt >= now + 5000 && row.expiresAt < now + 10_000)
        const work = await claimDelivery(id)
        assert.equal(work.trigger, 'manual')
        const again = await record(work, succeeded)
        assert.deepEqual([again.attempt?.number, again.delivery?.state], [2, 'succeeded'])
      },
    },
    {
      name: 'redeliver makes a pending delivery due at once',
      must: 'or makes a pending one due at once',
      async run({ store, subscribe, deliver, deliverHeld, claimDeliveries }) {
        await subscribe()
        const later = await deliver({ next: { state: 'pending', delayMs: 3_600_000, trigger: 'retry' } })
        const held = await deliverHeld()
        await store.redeliver(TENANT, later.id, manual)
        await store.redeliver(TENANT, held.id, manual)
        const ids = (await claimDeliveries()).map((work) => work.delivery.id)
        assert.deepEqual(ids.sort(), [later.id, held.id].sort())
      },
    },
    {
      name: 'what was redelivered stands outside the order',
      must: 'is outside the order from then on: it waits for nobody and blocks nobody',
      async run({ store, subscribe, deliver, deliverHeld, claimDelivery, record, claimDeliveries }) {
        await subscribe()
        const ended = await deliver({ next: exhausted })
        const [first, second] = [await deliverHeld(), await deliverHeld()]
        const ordered = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 9 } as const
        const release = () => store.release({ ...ordered, ordering: 'subscription' })
        await store.redeliver(TENANT, ended.id, manual)
        assert.equal((await release()).released, 1, 'it blocks nobody')
        await claimDelivery(first.id)
        await store.redeliver(TENANT, second.id, manual)
        const [work] = (await claimDeliveries()).filter((one) => one.delivery.id === second.id)
        assert.ok(work, 'it waits for nobody')
        await record(work, { state: 'held', always: true, trigger: 'retry' })
        assert.equal((await release()).released, 1, 'a later trigger does not bring it back into the order')
      },
    },
    {
      name: 'redeliver leaves a claimed delivery as it is',
      must: 'one that is claimed right now stays as it is',
      async run({ store, subscribe, deliver, claimDelivery, claim, record }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        await store.redeliver(TENANT, id, manual)
        assert.equal((await claim()).work.length, 0)
        assert.equal((await record(work, succeeded)).result, 'recorded')
      },
    },
    {
      name: 'redeliver answers null for what the tenant does not have',
      must: 'rows of another tenant than the scope’s do not exist',
      async run({ store, subscribe, deliver, delivery }) {
        await subscribe()
        const { id } = await deliver({ next: exhausted })
        assert.equal(await store.redeliver(TENANT, 'none', manual), null)
        assert.equal(await store.redeliver('other', id, manual), null)
        assert.equal((await delivery(id)).state, 'failed')
      },
    },
    {
      name: 'redeliver takes a new destination in place of an erased one',
      must: 'destination replaces an erased one',
      async run({ store, publish, newDelivery, claimDelivery, record }) {
        const addressee = newDelivery({ subscriptionId: null, destination: 'sealed' })
        await publish({ addressee })
        await record(await claimDelivery(addressee.id), exhausted, { delivery: addressee })
        const row = await store.redeliver(TENANT, addressee.id, { ...manual, destination: 'new' })
        assert.ok(row !== null && row !== 'pruned')
        assert.equal(row.destination, 'new')
        assert.equal((await claimDelivery(addressee.id)).delivery.destination, 'new')
      },
    },
    {
      name: 'redeliver answers pruned when the body is gone',
      must: "'pruned' when the body is gone",
      needs: ['clock'],
      async run({ store, subscribe, deliver, delivery, advance }) {
        await subscribe()
        const { id } = await deliver({ next: exhausted })
        await advance(10_000)
        assert.equal((await store.prune({ bodyAgeMs: 5000, limit: 10 })).bodies, 1)
        assert.equal(await store.redeliver(TENANT, id, manual), 'pruned')
        assert.equal((await delivery(id)).state, 'failed')
        assert.equal((await store.getSubscription(TENANT, SUBSCRIPTION))?.state, 'active')
      },
    },
  ],
}
