/** Cases: two operations on the same rows at the same time. Whichever comes first, what is stored fits what both answered. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, type Lab, LEASE_MS, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const DAY = 86_400_000
/** So often, since one of two may always be the quicker one. */
const TURNS = [1, 2, 3]
const must = 'it is atomic; concurrent calls behave as if one came after the other'

/** An event that is over, and old. */
async function oldEvent(lab: Lab) {
  const work = await lab.publishClaimed()
  await lab.store.finish([work.claim])
  await lab.advance(DAY)
  return work
}

/** See the file's header. */
export const raceCases: CaseGroup = {
  group: 'at the same time',
  cases: [
    {
      name: 'of prune and redeliver at the same time one comes first: what is owed has its event',
      must,
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance, claimDeliveries }) {
        await subscribe()
        for (const turn of TURNS) {
          const { id, eventId } = await deliver({ next: succeeded })
          await advance(DAY)
          const [pruned, again] = await Promise.all([
            store.prune({ finishedAgeMs: DAY / 2, limit: 10 }),
            store.redeliver(TENANT, id, { trigger: 'manual', maxAgeMs: DAY }),
          ])
          const isOpen = again !== null && typeof again === 'object'
          assert.equal(pruned.events, isOpen ? 0 : 1, `turn ${turn}`)
          assert.equal((await store.getEvent(TENANT, eventId)) !== null, isOpen)
          const work = await claimDeliveries()
          assert.equal(work.length, isOpen ? 1 : 0)
          await store.cancel({ tenantId: TENANT }, 10)
          await store.prune({ finishedAgeMs: 0, limit: 10 })
        }
      },
    },
    {
      name: 'of prune and replay at the same time one comes first: what is owed has its event',
      must,
      needs: ['clock'],
      async run(lab) {
        const { store, subscribe, newDelivery, claimDeliveries } = lab
        await subscribe()
        for (const turn of TURNS) {
          const { event } = await oldEvent(lab)
          const [pruned, replayed] = await Promise.all([
            store.prune({ finishedAgeMs: DAY / 2, limit: 10 }),
            store.replay(TENANT, [{ eventId: event.id, delivery: newDelivery() }]),
          ])
          const isOpen = typeof replayed[0] === 'object' && replayed[0] !== null
          assert.equal(pruned.events, isOpen ? 0 : 1, `turn ${turn}`)
          assert.equal((await store.getEvent(TENANT, event.id)) !== null, isOpen)
          assert.equal((await claimDeliveries()).length, isOpen ? 1 : 0)
          await store.cancel({ tenantId: TENANT }, 10)
          await store.prune({ finishedAgeMs: 0, limit: 10 })
        }
      },
    },
    {
      name: 'of prune and a late success at the same time one comes first: no delivery without its event',
      must,
      needs: ['clock'],
      async run(lab) {
        const { store, subscribe, record } = lab
        await subscribe()
        for (const turn of TURNS) {
          const work = await oldEvent(lab)
          const [, late] = await Promise.all([
            store.prune({ finishedAgeMs: DAY / 2, limit: 10 }),
            record(work, succeeded),
          ])
          const event = await store.getEvent(TENANT, work.event.id)
          const { rows } = await store.listDeliveries(
            { tenant: TENANT, eventId: work.event.id },
            { limit: 10 },
          )
          assert.equal(rows.length, event === null ? 0 : 1, `turn ${turn}: ${late.result}`)
          if (event !== null) assert.deepEqual([late.result, rows[0]?.state], ['late', 'succeeded'])
        }
      },
    },
    {
      name: 'of a delete and a retry at the same time one comes first: nothing stays pending',
      must,
      async run({ store, subscribe, publishClaimed, record, claim }) {
        for (const turn of TURNS) {
          await subscribe()
          const work = await publishClaimed()
          const [deleted, recorded] = await Promise.all([
            store.deleteSubscription(TENANT, SUBSCRIPTION),
            record(work, dueNow),
          ])
          await store.finish([work.claim])
          assert.equal(deleted?.cancelled.length, recorded.result === 'recorded' ? 1 : 0, `turn ${turn}`)
          const filter = { tenant: TENANT, eventId: work.event.id }
          const { rows } = await store.listDeliveries(filter, { limit: 10 })
          assert.deepEqual(
            rows.map(({ state }) => state),
            recorded.result === 'recorded' ? ['cancelled'] : [],
          )
          const { work: left, nextDueAt } = await claim()
          assert.deepEqual([left.length, nextDueAt], [0, null])
        }
      },
    },
    {
      name: 'of hold and claim at the same time one gets the row',
      must,
      async run({ store, subscribe, deliver, claimDeliveries, delivery, record }) {
        await subscribe()
        for (const turn of TURNS) {
          const { id } = await deliver()
          const [held, work] = await Promise.all([store.hold(TENANT, SUBSCRIPTION, 10), claimDeliveries()])
          assert.equal(held + work.length, 1, `turn ${turn}`)
          assert.equal((await delivery(id)).held, held === 1)
          const [one] = work
          if (one !== undefined) assert.equal((await record(one, succeeded)).result, 'recorded')
          await store.cancel({ tenantId: TENANT }, 10)
        }
      },
    },
    {
      name: 'of expire and a success at the same time one decides',
      must,
      needs: ['clock'],
      async run({ store, subscribe, deliver, claimDelivery, record, advance, delivery, claim }) {
        await subscribe()
        for (const turn of TURNS) {
          const { id } = await deliver({ delivery: { maxAgeMs: 1000 } })
          const work = await claimDelivery(id)
          await advance(LEASE_MS + 1)
          const [expired, recorded] = await Promise.all([store.expire(10), record(work, succeeded)])
          const isExpired = expired.length === 1
          assert.equal(recorded.result, isExpired ? 'late' : 'recorded', `turn ${turn}`)
          assert.equal((await delivery(id)).state, isExpired ? 'failed' : 'succeeded')
          assert.equal((await claim()).nextDueAt, null)
        }
      },
    },
    {
      name: 'of split and finish with the same claim one wins',
      must,
      async run({ store, publishClaimed, claimEvents }) {
        for (const turn of TURNS) {
          const { claim } = await publishClaimed()
          const [isSplit, finished] = await Promise.all([
            store.split(claim, [{ after: null, upTo: null }]),
            store.finish([claim]),
          ])
          assert.equal(finished, isSplit ? 0 : 1, `turn ${turn}`)
          const ranges = await claimEvents()
          assert.equal(ranges.length, isSplit ? 1 : 0)
          await store.finish(ranges.map((range) => range.claim))
        }
      },
    },
  ],
}
