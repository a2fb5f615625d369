/** Cases: rate tokens and slots of release. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { heldAlways, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const all = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 100, ordering: 'none' } as const

/** See the file's header. */
export const pacingCases: CaseGroup = {
  group: 'rate and slots',
  cases: [
    {
      name: 'a rate releases what its bucket holds, and says when the next token comes',
      must: 'take a token each from the bucket: it holds count, refilled evenly over perMs',
      needs: ['clock'],
      async run({ store, subscribe, deliverHeld, advance }) {
        await subscribe()
        for (let n = 0; n < 6; n++) await deliverHeld()
        const paced = { ...all, rate: { count: 2, perMs: 1000 } }
        const now = await store.now()
        const first = await store.release(paced)
        assert.deepEqual([first.released, first.more], [2, true])
        assert.ok(Math.abs(Number(first.nextAt) - (now + 500)) < 10, 'evenly: a token every 500 ms')
        assert.equal((await store.release(paced)).released, 0)
        await advance(501)
        assert.equal((await store.release(paced)).released, 1)
        await advance(60_000)
        assert.equal((await store.release(paced)).released, 2, 'the bucket holds no more than count')
      },
    },
    {
      name: 'concurrent releases share one bucket',
      must: 'tokens are taken in the same step',
      async run({ store, subscribe, deliverHeld }) {
        await subscribe()
        for (let n = 0; n < 8; n++) await deliverHeld()
        const paced = { ...all, rate: { count: 3, perMs: 3_600_000 } }
        const results = await Promise.all(Array.from({ length: 4 }, () => store.release(paced)))
        assert.equal(
          results.reduce((sum, { released }) => sum + released, 0),
          3,
        )
      },
    },
    {
      name: 'slots bound what is released and not ended',
      must: 'released and not ended or held again: at most this many at a time',
      async run({ store, subscribe, deliverHeld, claimDeliveries, record }) {
        await subscribe()
        for (let n = 0; n < 5; n++) await deliverHeld()
        const bounded = { ...all, slots: 2 }
        assert.equal((await store.release(bounded)).released, 2)
        assert.equal((await store.release(bounded)).released, 0)
        const [one, two] = await claimDeliveries()
        assert.ok(one && two)
        assert.equal((await store.release(bounded)).released, 0, 'claimed ones count')
        await record(one, succeeded)
        assert.equal((await store.release(bounded)).released, 1)
        await record(two, heldAlways)
        assert.equal((await store.release(bounded)).released, 1, 'held again frees its slot')
      },
    },
    {
      name: 'concurrent releases share the slots',
      must: 'slots are taken in the same step',
      async run({ store, subscribe, deliverHeld }) {
        await subscribe()
        for (let n = 0; n < 8; n++) await deliverHeld()
        const bounded = { ...all, slots: 3 }
        const results = await Promise.all(Array.from({ length: 4 }, () => store.release(bounded)))
        assert.equal(
          results.reduce((sum, { released }) => sum + released, 0),
          3,
        )
      },
    },
  ],
}
