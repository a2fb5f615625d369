/** Cases: rows that are outside the order, beside rows that keep it. */
import assert from 'node:assert/strict'
import type { Next } from '../../queries.ts'
import type { CaseGroup } from './case.ts'
import { heldAlways, SUBSCRIPTION, TENANT } from './lab.ts'

const byHand: Next = { state: 'held', always: true, trigger: 'manual' }
const lane = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 1 } as const

/** See the file's header. */
export const outsideOrderCases: CaseGroup = {
  group: 'outside the order',
  cases: [
    {
      name: 'release takes the lowest position first, among rows in the order and outside it',
      must: 'makes held rows due, lowest position first',
      async run({ store, subscribe, deliver, delivery }) {
        await subscribe()
        const outside = await deliver({ next: byHand, attempt: null })
        const inside = await deliver({ next: heldAlways, attempt: null })
        const last = await deliver({ next: byHand, attempt: null })
        for (const next of [outside, inside, last]) {
          const { released } = await store.release({ ...lane, ordering: 'subscription' })
          assert.equal(released, 1)
          assert.equal((await delivery(next.id)).held, false)
        }
      },
    },
    {
      name: 'a row that an outcome gave the trigger manual stays outside the order, also when the next one of the call does not',
      must: 'a row that was once given the trigger `manual`, here or by an outcome, is outside the order from then on',
      async run({ store, subscribe, deliverHeld, publishClaimed, outcome }) {
        await subscribe()
        await deliverHeld()
        const work = await publishClaimed()
        const [first, then] = [await outcome(work, byHand), await outcome(work, heldAlways)]
        const results = await store.record([first, { ...then, delivery: first.delivery }])
        assert.deepEqual(
          results.map(({ result }) => result),
          ['recorded', 'recorded'],
        )
        await store.finish([work.claim])
        const { released } = await store.release({ ...lane, limit: 100, ordering: 'subscription' })
        assert.equal(released, 2)
      },
    },
  ],
}
