/** Cases: expanded, split, hand back. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { LEASE_MS, succeeded, TENANT } from './lab.ts'

const ALL = { after: null, upTo: null }

/** See the file's header. */
export const fanOutCases: CaseGroup = {
  group: 'fan-out, hand back',
  cases: [
    {
      name: 'expanded lists the recorded subscriptions of a range in byte order',
      must: 'the subscription ids in the range, in byte order',
      async run({ store, subscribe, publishClaimed, record }) {
        const work = await publishClaimed()
        for (const id of ['b', 'B', 'a', '\u{1F4EF}', '\u{FF5E}', 'c']) {
          await subscribe({ id })
          await record(work, succeeded, { subscriptionId: id })
        }
        await store.deleteSubscription(TENANT, 'c')
        const all = ['B', 'a', 'b', 'c', '\u{FF5E}', '\u{1F4EF}']
        assert.deepEqual(await store.expanded(TENANT, work.event.id, ALL), all)
        const range = { after: 'a', upTo: 'b' }
        assert.deepEqual(await store.expanded(TENANT, work.event.id, range), ['b'])
        assert.deepEqual(await store.expanded('other', work.event.id, ALL), [])
      },
    },
    {
      name: 'split replaces the event row by its ranges, due at once',
      must: 'replaces a claimed event row by unclaimed rows of these ranges, due at once',
      async run({ store, publishClaimed, claimEvents }) {
        const work = await publishClaimed()
        const ranges = [
          { after: null, upTo: 'm' },
          { after: 'm', upTo: 'x' },
          { after: 'x', upTo: null },
        ]
        assert.equal(await store.split(work.claim, ranges), true)
        const parts = await claimEvents()
        assert.deepEqual(
          parts
            .map(({ after, upTo }) => ({ after, upTo }))
            .sort((a, b) => ((a.after ?? '') < (b.after ?? '') ? -1 : 1)),
          ranges,
        )
        for (const part of parts) assert.deepEqual(part.event, work.event)
        assert.equal(await store.finish([work.claim]), 0, 'the whole row is gone')
        assert.equal(await store.finish(parts.map((part) => part.claim)), 3)
      },
    },
    {
      name: 'split with a lost claim changes nothing',
      must: 'false when the claim was lost',
      needs: ['clock'],
      async run({ store, publish, claimEvents, advance }) {
        await publish()
        const [lost] = await claimEvents()
        await advance(LEASE_MS + 1)
        const [live] = await claimEvents()
        assert.ok(lost && live)
        assert.equal(await store.split(lost.claim, [{ after: null, upTo: 'm' }]), false)
        assert.equal((await claimEvents()).length, 0)
        assert.equal(await store.finish([live.claim]), 1)
      },
    },
    {
      name: 'a row handed back is due after its delay, and loses no claim',
      must: 'due delayMs from now, with their lost-claim counts as before the claim',
      needs: ['clock'],
      async run({ store, publish, publishClaimed, claimEvents, advance }) {
        await publish()
        const [work] = await claimEvents()
        assert.ok(work)
        const { claim: other } = await publishClaimed()
        const entries = [
          { claim: other, delayMs: 60_000 },
          { claim: work.claim, delayMs: 2000 },
        ]
        assert.equal(await store.handBack(entries), 2)
        await advance(1900)
        assert.equal((await claimEvents()).length, 0)
        await advance(200)
        const [again] = await claimEvents()
        assert.deepEqual([again?.lostClaims, again?.lostAlone, again?.resumed], [0, 0, true])
      },
    },
    {
      name: 'hand back skips lost claims and counts the others',
      must: 'lost claims are skipped; returns how many were given back',
      async run({ store, publish, claimEvents }) {
        await publish({ id: 'a' })
        await publish({ id: 'b' })
        const [one, two] = await claimEvents()
        assert.ok(one && two)
        const forged = { row: two.claim.row, token: 'forged' }
        const entries = [one.claim, forged].map((claim) => ({ claim, delayMs: 0 }))
        assert.equal(await store.handBack(entries.reverse()), 1)
        const [again] = await claimEvents()
        assert.equal(again?.event.id, one.event.id)
        assert.equal(await store.handBack([{ claim: one.claim, delayMs: 0 }]), 0, 'its old claim is lost')
      },
    },
    {
      name: 'a handed back delivery stays the same delivery',
      must: 'gives claimed rows back',
      async run({ store, subscribe, deliver, claimDelivery, delivery }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        await store.handBack([{ claim: work.claim, delayMs: 0 }])
        const again = await claimDelivery(id)
        assert.equal(again.trigger, work.trigger)
        assert.equal((await delivery(id)).attemptCount, 1)
      },
    },
  ],
}
