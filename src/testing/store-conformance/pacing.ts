/** Cases: rate tokens and slots of release. */
import assert from 'node:assert/strict'
import type { ReleaseRequest } from '../../queries.ts'
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
        await advance(200)
        const between = await store.release(paced)
        assert.equal(between.released, 0)
        assert.ok(Math.abs(Number(between.nextAt) - (now + 500)) < 10, 'part of a token is there')
        await advance(301)
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
      name: 'a delivery that waits for its retry has no slot',
      must: 'a row stays released until it ends, is held again, or an outcome makes it pending',
      async run({ store, subscribe, deliverHeld, claimDeliveries, record }) {
        await subscribe()
        for (let n = 0; n < 3; n++) await deliverHeld()
        const bounded = { ...all, slots: 1 }
        assert.equal((await store.release(bounded)).released, 1)
        const [one] = await claimDeliveries()
        assert.equal(one?.released, true)
        await store.handBack([{ claim: one.claim, delayMs: 0 }])
        assert.equal((await store.release(bounded)).released, 0, 'a hand-back keeps the slot')
        const [again] = await claimDeliveries()
        assert.equal(again?.released, true, 'and what is handed back is still released')
        await record(again, { state: 'pending', delayMs: 0, trigger: 'retry' })
        assert.equal((await store.release(bounded)).released, 1, 'a retry frees its slot')
        const retry = (await claimDeliveries()).find((work) => work.delivery.id === again.delivery.id)
        assert.equal(retry?.released, false, 'a retry that has come due is not released')
      },
    },
    {
      name: 'the subscriptions of a tenant share its rate and its slots',
      must: 'limits that all subscriptions of the tenant share',
      needs: ['clock'],
      async run({ store, subscribe, deliverHeld, claimDeliveries, record, advance }) {
        for (const id of ['a', 'b']) {
          await subscribe({ id })
          for (let n = 0; n < 4; n++) await deliverHeld({ subscriptionId: id })
        }
        const of = (subscriptionId: string, tenant: NonNullable<ReleaseRequest['tenant']>) =>
          store.release({ ...all, subscriptionId, tenant })
        const slots = { slots: 3 }
        assert.equal((await of('a', { slots: 2 })).released, 2)
        assert.equal((await of('b', slots)).released, 1, 'two of three slots are taken')
        assert.equal((await of('b', slots)).released, 0)
        for (const work of await claimDeliveries()) await record(work, succeeded)
        const rate = { rate: { count: 2, perMs: 1000 } }
        const now = await store.now()
        assert.equal(
          (await store.release({ ...all, subscriptionId: 'a', limit: 1, tenant: rate })).released,
          1,
        )
        const second = await of('b', rate)
        assert.equal(second.released, 1)
        assert.ok(Math.abs(Number(second.nextAt) - (now + 500)) < 10, 'the next token of the tenant')
        assert.equal((await of('a', rate)).released, 0)
        await advance(501)
        assert.equal((await of('a', rate)).released, 1)
      },
    },
    {
      name: 'of all limits of a release the lowest one counts, and its next token comes when each bucket has one',
      must: 'at most this many; when both buckets have their next token, or null where no rate was given',
      needs: ['clock'],
      async run({ store, subscribe, deliverHeld }) {
        await subscribe()
        for (let n = 0; n < 9; n++) await deliverHeld()
        const roomy = { count: 9, perMs: 9_000 }
        const limits: readonly Partial<ReleaseRequest>[] = [
          { slots: 0, rate: roomy },
          { slots: 9, tenant: { slots: 0, rate: roomy } },
          { limit: 0, rate: roomy },
        ]
        for (const limit of limits) assert.equal((await store.release({ ...all, ...limit })).released, 0)
        const now = await store.now()
        const both = { rate: { count: 1, perMs: 5_000 }, tenant: { rate: { count: 9, perMs: 9_000 } } }
        const first = await store.release({ ...all, slots: 9, ...both })
        assert.deepEqual([first.released, Math.round(Number(first.nextAt) - now)], [1, 5_000])
        await store.release({ ...all, tenant: { rate: { count: 1, perMs: 7_000 } } })
        const turned = await store.release({ ...all, ...both, tenant: { rate: { count: 1, perMs: 7_000 } } })
        assert.deepEqual([turned.released, Math.round(Number(turned.nextAt) - now)], [0, 7_000])
        const slots = { ...all, tenant: { slots: 3 } }
        assert.equal((await store.release({ ...slots, slots: 2 })).released, 0, 'two of two slots are taken')
        assert.equal(
          (await store.release({ ...slots, slots: 9 })).released,
          1,
          'two of three are the tenant’s',
        )
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
