/** Cases: what keeps its place in the order, and what is outside of it. */
import assert from 'node:assert/strict'
import type { ReleaseRequest } from '../../queries.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, heldAlways, type Lab, LEASE_MS, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

const BOTH = ['subscription', 'key'] as const
const later = { state: 'pending', delayMs: 3_600_000, trigger: 'retry' } as const
const keyed = { orderingKey: 'x' }

/** Releases in order; answers how many. */
async function release(lab: Lab, ordering: ReleaseRequest['ordering'], parts: Partial<ReleaseRequest> = {}) {
  const usual = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 100, ordering }
  return (await lab.store.release({ ...usual, ...parts })).released
}

/** What is held behind must wait, whichever order is kept. */
async function mustWait(lab: Lab, why: string): Promise<void> {
  for (const ordering of BOTH) assert.equal(await release(lab, ordering), 0, `${why} (${ordering})`)
}

/** See the file's header. */
export const orderCases: CaseGroup = {
  group: 'order',
  cases: [
    {
      name: 'a scheduled retry keeps its place: what comes after it waits',
      must: 'only rows with no open row of a lower position in their (subscription) or (subscription, key)',
      async run(lab) {
        await lab.subscribe()
        const first = await lab.deliver({ event: keyed, next: later })
        await lab.deliverHeld({ event: keyed })
        await mustWait(lab, 'a retry that is not due yet is open')
        await lab.store.cancel({ tenantId: TENANT, deliveryId: first.id }, 1)
        assert.equal(await release(lab, 'key'), 1)
      },
    },
    {
      name: 'a row whose worker died keeps its place',
      must: 'only rows with no open row of a lower position in their (subscription) or (subscription, key)',
      needs: ['clock'],
      async run(lab) {
        await lab.subscribe()
        const { id } = await lab.deliver({ event: keyed })
        await lab.claimDelivery(id)
        await lab.deliverHeld({ event: keyed })
        await lab.advance(LEASE_MS + 1)
        await mustWait(lab, 'a row whose lease is over is open')
      },
    },
    {
      name: 'rows of another subscription keep no place in this one',
      must: 'no open row of a lower position in their (subscription) or (subscription, key)',
      async run(lab) {
        await lab.subscribe()
        await lab.subscribe({ id: 'sub-b' })
        await lab.deliver({ event: keyed, subscriptionId: 'sub-b' })
        await lab.deliverHeld({ event: keyed, subscriptionId: 'sub-b' })
        await lab.deliverHeld({ event: keyed })
        assert.equal(await release(lab, 'subscription'), 1)
        await lab.deliverHeld({ event: { orderingKey: 'y' } })
        assert.equal(await release(lab, 'key'), 1)
      },
    },
    {
      name: 'an event that was split keeps its place until its last range is done',
      must: 'no unexpanded event of that tenant (and key) with a lower position',
      async run(lab) {
        const { store } = lab
        await lab.subscribe()
        const { claim } = await lab.publishClaimed(keyed)
        await lab.deliverHeld({ event: keyed })
        const ranges = [
          { after: null, upTo: 'm' },
          { after: 'm', upTo: null },
        ]
        assert.equal(await store.split(claim, ranges), true)
        await mustWait(lab, 'ranges are open')
        const [one, two] = await lab.claimEvents()
        assert.ok(one && two)
        await store.finish([one.claim])
        await mustWait(lab, 'one range is open')
        await store.finish([two.claim])
        assert.equal(await release(lab, 'subscription'), 1)
      },
    },
    {
      name: 'an event does not block the deliveries that it was expanded to',
      must: 'with a lower position: its own deliveries have the same',
      async run(lab) {
        await lab.subscribe()
        for (const ordering of BOTH) {
          const work = await lab.publishClaimed(keyed)
          const { delivery } = await lab.record(work, heldAlways, { attempt: null })
          assert.equal(await release(lab, ordering), 1, `by ${ordering}`)
          await lab.store.cancel({ tenantId: TENANT, deliveryId: delivery?.id ?? '' }, 1)
          await lab.store.finish([work.claim])
        }
      },
    },
    {
      name: 'where order is kept by key, an event without a key waits for nobody and blocks nobody',
      must: 'under key, what has no ordering key has no order: it waits for nobody and blocks nobody',
      async run(lab) {
        await lab.subscribe()
        await lab.publish()
        await lab.publish({ orderingKey: 'z' })
        await lab.deliver({ next: later })
        for (let n = 0; n < 3; n++) await lab.deliverHeld()
        for (const orderingKey of ['x', 'z']) await lab.deliverHeld({ event: { orderingKey } })
        assert.equal(await release(lab, 'key'), 4, 'three without a key, and the first of x')
        assert.equal(await release(lab, 'key'), 0, 'z waits for its event')
      },
    },
    {
      name: 'ordered releases keep their limit',
      must: 'at most limit',
      async run(lab) {
        await lab.subscribe()
        for (const orderingKey of ['x', 'y', null, 'z']) await lab.deliverHeld({ event: { orderingKey } })
        assert.equal(await release(lab, 'key', { limit: 1 }), 1)
        assert.equal(await release(lab, 'key', { limit: 2 }), 2)
        assert.equal(await release(lab, 'key', { limit: 2 }), 1)
      },
    },
    {
      name: 'what an outcome has given the trigger manual is outside the order',
      must: 'a row that was once given the trigger manual, here, by replay, by release or by an outcome, is outside the order',
      async run(lab) {
        await lab.subscribe()
        const { id } = await lab.deliver({ event: keyed })
        await lab.record(await lab.claimDelivery(id), { ...later, trigger: 'manual' })
        await lab.deliver({ event: keyed, next: { ...later, trigger: 'manual' } })
        await lab.deliverHeld({ event: keyed, next: { state: 'held', always: true, trigger: 'manual' } })
        await lab.deliverHeld({ event: keyed })
        await lab.deliverHeld({ event: keyed })
        assert.equal(await release(lab, 'subscription'), 2, 'the one by hand, and the first of the order')
        assert.equal(await release(lab, 'key'), 0, 'the first of the order is open')
      },
    },
    {
      name: 'what was released with the trigger manual is outside the order, and stays so',
      must: 'a row that was once given the trigger manual, here, by replay, by release or by an outcome, is outside the order',
      async run(lab) {
        await lab.subscribe()
        const { id } = await lab.deliverHeld({ event: keyed })
        await lab.deliverHeld({ event: keyed })
        await lab.deliverHeld({ event: keyed })
        assert.equal(await release(lab, 'subscription', { limit: 1, trigger: 'manual' }), 1)
        assert.equal(await release(lab, 'subscription'), 1)
        const work = await lab.claimDeliveries()
        const [first, second] = work[0]?.delivery.id === id ? work : [...work].reverse()
        assert.ok(first && second)
        await lab.record(first, dueNow)
        assert.equal(await release(lab, 'subscription'), 0, 'the second is open')
        await lab.record(second, succeeded)
        assert.equal(await release(lab, 'subscription'), 1, 'the retry of the first blocks nobody')
      },
    },
    {
      name: 'what a replay makes is outside the order',
      must: 'each pending, due at once, its trigger manual, its maximum age counted from now, outside the order',
      async run(lab) {
        await lab.subscribe()
        const { event, claim } = await lab.publishClaimed(keyed)
        await lab.store.finish([claim])
        await lab.store.replay(TENANT, [{ eventId: event.id, delivery: lab.newDelivery() }])
        await lab.deliverHeld({ event: keyed })
        assert.equal(await release(lab, 'subscription'), 1)
        await lab.deliverHeld({ event: { orderingKey: 'y' } })
        assert.equal(await release(lab, 'key'), 1)
      },
    },
    {
      name: 'an event that has left the order stays outside when it is handed back',
      must: 'takes claimed event rows out of the order, for good',
      async run(lab) {
        await lab.subscribe()
        const { claim } = await lab.publishClaimed(keyed)
        await lab.deliverHeld({ event: keyed })
        await mustWait(lab, 'the event is not expanded')
        assert.equal(await lab.store.leaveOrder([claim]), 1)
        assert.equal(await lab.store.handBack([{ claim, delayMs: 60_000 }]), 1)
        assert.equal(await release(lab, 'key'), 1)
      },
    },
  ],
}
