/** Cases: a claim that is finished with its last outcome. */
import assert from 'node:assert/strict'
import type { Outcome } from '../../queries.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, succeeded } from './lab.ts'

/** See the file's header. */
export const lastOutcomeCases: CaseGroup = {
  group: 'last outcome',
  cases: [
    {
      name: 'the last outcome of a claim may finish it, and says so',
      must: 'a store may finish the claim in the same step, and says so in Recorded.finished; else finish follows',
      async run({ subscribe, publishClaimed, outcome, recordOne, store, claim }) {
        await subscribe()
        const work = await publishClaimed()
        const { finished } = await recordOne({ ...(await outcome(work, succeeded)), last: true })
        assert.equal(await store.finish([work.claim]), finished === true ? 0 : 1)
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'the last outcome of a claim finishes it only after all others of the call, wherever it stands',
      must: 'once this and all other outcomes of the claim in this call are recorded, wherever they stand in it',
      async run({ subscribe, publishClaimed, outcome, store, claim, delivery }) {
        for (const id of ['sub-a', 'sub-b', 'sub-c']) await subscribe({ id })
        for (const place of [0, 1, 2]) {
          const work = await publishClaimed()
          const waits = await outcome(work, dueNow, { subscriptionId: 'sub-a' })
          const ends = await outcome(work, exhausted, { subscriptionId: 'sub-b' })
          const last = { ...(await outcome(work, succeeded, { subscriptionId: 'sub-c' })), last: true }
          const outcomes: Outcome[] = [waits, ends]
          outcomes.splice(place, 0, last)
          const results = await store.record(outcomes)
          const expected = [
            ['recorded', 'pending'],
            ['recorded', 'failed'],
          ]
          expected.splice(place, 0, ['recorded', 'succeeded'])
          assert.deepEqual(
            results.map(({ result, delivery: row }) => [result, row?.state]),
            expected,
            `the last one stands at ${place}`,
          )
          const finished = results.filter((one) => one.finished === true).length
          assert.equal(await store.finish([work.claim]), 1 - finished, 'finished once')
          assert.equal(results[place]?.finished === true, finished === 1, 'the last one says so')
          const left = (await claim()).work
          assert.deepEqual(
            left.map((one) => one.kind === 'delivery' && one.delivery.id),
            [waits.delivery.id],
          )
          for (const one of outcomes) await delivery(one.delivery.id)
        }
      },
    },
    {
      name: 'a claim with an outcome that was not recorded is left to finish',
      must: 'it must not when one of them is answered anything but recorded',
      async run({ subscribe, publishClaimed, deliver, outcome, store }) {
        await subscribe()
        await subscribe({ id: 'other' })
        const { id } = await deliver({ next: succeeded })
        const work = await publishClaimed()
        const good = await outcome(work, succeeded)
        const gone = await outcome(work, dueNow, { subscriptionId: 'deleted' })
        const taken = await outcome(work, succeeded, { subscriptionId: 'other', delivery: { id } })
        const results = async (...outcomes: readonly Outcome[]) =>
          (await store.record(outcomes)).map(({ result, finished }) => [result, finished])
        const last = { last: true }
        assert.deepEqual(await results({ ...gone, ...last }), [['gone', undefined]])
        assert.deepEqual(await results(gone, taken, { ...good, ...last }), [
          ['gone', undefined],
          ['taken', undefined],
          ['recorded', undefined],
        ])
        assert.deepEqual(await results({ ...good, ...last }), [['repeated', undefined]])
        assert.equal(await store.finish([work.claim]), 1)
      },
    },
    {
      name: 'a lost claim is not finished by a last outcome',
      must: 'a store may finish the claim: one that is lost is no claim',
      async run({ subscribe, publishClaimed, outcome, recordOne, store }) {
        await subscribe()
        const work = await publishClaimed()
        const forged = { ...(await outcome(work, succeeded, { token: 'forged' })), last: true }
        assert.deepEqual((await recordOne(forged)).finished, undefined)
        assert.equal(await store.finish([work.claim]), 1)
      },
    },
  ],
}
