/** Cases: record with a lost claim, and ended deliveries. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, LEASE_MS, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const lateCases: CaseGroup = {
  group: 'late outcomes',
  cases: [
    {
      name: 'a late failure of a missing delivery stores nothing',
      must: 'with a lost claim: a failure adds its attempt as late to an existing delivery and changes nothing',
      async run({ subscribe, publishClaimed, record, store }) {
        await subscribe()
        const work = await publishClaimed()
        const { result, delivery, attempt } = await record(work, dueNow, { token: 'forged' })
        assert.deepEqual([result, delivery, attempt], ['late', null, null])
        assert.equal((await store.listDeliveries({ tenant: TENANT }, { limit: 9 })).rows.length, 0)
        assert.equal((await store.listAttempts({ tenant: TENANT }, { limit: 9 })).rows.length, 0)
      },
    },
    {
      name: 'a late failure adds its attempt and decides nothing',
      must: 'a failure adds its attempt as late to an existing delivery and changes nothing',
      async run({ subscribe, deliver, claimDelivery, record, delivery, attemptsOf, claim }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        const late = await record(work, exhausted, { token: 'forged' })
        assert.equal(late.result, 'late')
        assert.deepEqual([late.attempt?.number, late.attempt?.late], [2, true])
        assert.equal((await delivery(id)).state, 'pending')
        assert.equal((await claim()).work.length, 0, 'the live claim still holds the row')
        const live = await record(work, succeeded)
        assert.equal(live.result, 'recorded')
        assert.deepEqual(
          (await attemptsOf(id)).map(({ number, late: isLate }) => [number, isLate]),
          [
            [1, false],
            [2, true],
            [3, false],
          ],
        )
      },
    },
    {
      name: 'a late success turns pending into succeeded and removes the queue row',
      must: 'a success turns pending into succeeded and removes its queue row',
      async run({ subscribe, deliver, claimDelivery, record, delivery, claim }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        const late = await record(work, succeeded, { token: 'forged' })
        assert.equal(late.result, 'late')
        assert.equal(late.attempt?.late, true)
        assert.equal(late.ended, true, 'it says that it ended the delivery')
        const row = await delivery(id)
        assert.deepEqual([row.state, row.attemptCount], ['succeeded', 2])
        assert.equal(typeof row.endedAt, 'number')
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'a late success of a missing delivery stores both',
      must: 'a success adds its attempt (late) and, if the delivery is missing, the delivery',
      async run({ subscribe, publishClaimed, record, delivery, attemptsOf }) {
        await subscribe()
        const work = await publishClaimed()
        const late = await record(work, succeeded, { token: 'forged' })
        assert.equal(late.result, 'late')
        assert.equal(late.ended, true, 'it says that it ended the delivery')
        assert.ok(late.delivery)
        assert.equal((await delivery(late.delivery.id)).state, 'succeeded')
        const [attempt] = await attemptsOf(late.delivery.id)
        assert.deepEqual([attempt?.number, attempt?.late], [1, true])
      },
    },
    {
      name: 'a worker whose lease was taken over is late',
      must: 'checks the token under the row’s lock',
      needs: ['clock'],
      async run({ subscribe, deliver, claimDelivery, record, advance, delivery }) {
        await subscribe()
        const { id } = await deliver()
        const slow = await claimDelivery(id)
        await advance(LEASE_MS + 1)
        const quick = await claimDelivery(id)
        assert.equal((await record(slow, exhausted)).result, 'late')
        assert.equal((await delivery(id)).state, 'pending')
        assert.equal((await record(quick, dueNow)).result, 'recorded')
      },
    },
    {
      name: 'an ended delivery never changes, not by a late success either',
      must: 'an ended delivery never changes',
      async run({ subscribe, deliver, claimDelivery, record, delivery }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        await record(work, exhausted)
        const ended = await delivery(id)
        assert.equal((await record(work, succeeded)).ended, undefined, 'what had ended ends once')
        await record(work, dueNow)
        const row = await delivery(id)
        assert.deepEqual(
          [row.state, row.reason, row.endedAt, row.nextAttemptAt],
          ['failed', 'exhausted', ended.endedAt, null],
        )
      },
    },
    {
      name: 'a succeeded delivery stays succeeded when its event is expanded again',
      must: 'an ended delivery never changes',
      needs: ['clock'],
      async run({ subscribe, publishClaimed, record, advance, claimEvents, delivery, store }) {
        await subscribe()
        const first = await publishClaimed()
        const done = await record(first, succeeded)
        assert.ok(done.delivery)
        await advance(LEASE_MS + 1)
        const [again] = await claimEvents()
        assert.ok(again)
        await record(again, exhausted, { subscriptionId: SUBSCRIPTION })
        assert.equal((await delivery(done.delivery.id)).state, 'succeeded')
        const { rows } = await store.listDeliveries({ tenant: TENANT }, { limit: 9 })
        assert.equal(rows.length, 1)
      },
    },
    {
      name: 'a late success of a deleted subscription inserts nothing',
      must: 'gone: nothing was inserted',
      async run({ subscribe, publishClaimed, record, store }) {
        await subscribe()
        const work = await publishClaimed()
        await store.deleteSubscription(TENANT, SUBSCRIPTION)
        const late = await record(work, succeeded, { token: 'forged' })
        assert.deepEqual([late.delivery, late.attempt], [null, null])
        assert.equal((await store.listDeliveries({ tenant: TENANT }, { limit: 9 })).rows.length, 0)
      },
    },
  ],
}
