/** Cases: what bounds a claim: suspects, buckets, shares, leases, and what split leaves. */
import assert from 'node:assert/strict'
import { tenantBucket } from '../../patterns.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, type Lab, LEASE_MS, SUBSCRIPTION, TENANT } from './lab.ts'

/** Tenants of different buckets. */
const HERE = 't-1'
const THERE = ['t-2', 't-3', 't-4'].find((id) => tenantBucket(id) !== tenantBucket(HERE)) ?? 't-2'
const only = (tenantId: string) => ({
  buckets: { from: tenantBucket(tenantId), to: tenantBucket(tenantId) },
})

/** Makes all queued rows suspect: two claims without outcome. */
async function loseTwice({ claim, advance }: Lab, rows: number): Promise<void> {
  for (let n = 0; n < 2; n++) {
    assert.equal((await claim()).work.length, rows)
    await advance(LEASE_MS + 1)
  }
}

/** See the file's header. */
export const claimLimitCases: CaseGroup = {
  group: 'limits of claim',
  cases: [
    {
      name: 'alone takes one suspect at a time, of its buckets',
      must: 'claim one suspect row and nothing else; only tenants whose bucket is in from..to',
      needs: ['clock'],
      async run(lab) {
        const { publish, claim } = lab
        for (const tenantId of [HERE, THERE]) await publish({ tenantId })
        await loseTwice(lab, 2)
        const elsewhere = { buckets: { from: 256, to: 256 } }
        const none = await claim(elsewhere)
        assert.deepEqual([none.work.length, none.suspects, none.nextDueAt], [0, false, null])
        assert.equal((await claim({ ...elsewhere, alone: true })).work.length, 0)
        const plain = await claim()
        assert.deepEqual([plain.work.length, plain.suspects], [0, true])
        assert.notEqual(plain.nextDueAt, null, 'a suspect that is due is queued')
        const there = await claim({ ...only(THERE), alone: true })
        assert.deepEqual(
          there.work.map((row) => row.tenantId),
          [THERE],
        )
        assert.equal((await claim(only(THERE))).suspects, false, 'what is leased is not due')
        assert.equal((await claim(only(HERE))).suspects, true)
        const first = await claim({ buckets: { from: 0, to: tenantBucket(HERE) }, alone: true })
        assert.deepEqual(
          first.work.map((row) => row.tenantId),
          [HERE],
          'both ends are included',
        )
      },
    },
    {
      name: 'alone takes one of two suspects, and none of a subscription that is left out',
      must: 'claim one suspect row and nothing else; 0 leaves it out',
      needs: ['clock'],
      async run(lab) {
        await lab.subscribe()
        for (let n = 0; n < 2; n++) await lab.deliver()
        await loseTwice(lab, 2)
        const shares = new Map([[SUBSCRIPTION, 0]])
        assert.equal((await lab.claim({ alone: true, shares })).work.length, 0)
        for (const isMoreDue of [true, false]) {
          const { work, suspects } = await lab.claim({ alone: true })
          assert.deepEqual([work.length, suspects], [1, isMoreDue])
        }
      },
    },
    {
      name: 'takes no more rows that have lost a claim than it was asked for, and what waits behind them',
      must: 'rows that have lost one claim (lostClaims = 1) at most; undefined: as many as there are',
      needs: ['clock'],
      async run(lab) {
        const { publish, claim, advance, deliver, subscribe } = lab
        await subscribe()
        for (const id of ['lost 1', 'lost 2', 'lost 3']) await publish({ id })
        await deliver()
        assert.equal((await claim()).work.length, 4)
        await advance(LEASE_MS + 1)
        await publish({ id: 'fresh' })
        const lostOf = async (lostOnce?: number) => {
          const { work, nextDueAt } = await claim(lostOnce === undefined ? {} : { lostOnce })
          return { lost: work.map(({ lostClaims }) => lostClaims).sort(), isMoreDue: nextDueAt !== null }
        }
        assert.deepEqual(await lostOf(1), { lost: [0, 1], isMoreDue: true })
        assert.deepEqual(await lostOf(0), { lost: [], isMoreDue: true })
        assert.deepEqual((await lostOf(2)).lost, [1, 1])
        assert.deepEqual((await lostOf()).lost, [1])
        await advance(LEASE_MS + 1)
        assert.deepEqual((await lostOf(0)).lost, [], 'the fresh one has lost its claim by now')
      },
    },
    {
      name: 'the next due time is that of the buckets that were asked for',
      must: 'the earliest due time or lease end of what was left',
      async run({ publish, claim }) {
        await publish({ tenantId: HERE, delayMs: 60_000 })
        const later = await publish({ tenantId: THERE, delayMs: 120_000 })
        assert.equal((await claim(only(THERE))).nextDueAt, later.dueAt)
      },
    },
    {
      name: 'claimed deliveries are in the order of their own due times',
      must: 'in the order of their due times within a tenant',
      needs: ['clock'],
      async run({ subscribe, deliver, advance, claimDeliveries }) {
        await subscribe()
        const inMs = (delayMs: number) => ({ state: 'pending', delayMs, trigger: 'retry' }) as const
        const second = await deliver({ next: inMs(2000) })
        const first = await deliver({ next: inMs(1000) })
        await advance(3000)
        assert.deepEqual(
          (await claimDeliveries()).map(({ delivery }) => delivery.id),
          [first.id, second.id],
        )
      },
    },
    {
      name: 'subscriptions of two tenants with the same id have a share each',
      must: 'delivery rows of one subscription at most: every key begins with the tenant',
      async run({ subscribe, deliver, claimDeliveries }) {
        for (const tenantId of [TENANT, 'other']) {
          await subscribe({ tenantId })
          for (let n = 0; n < 2; n++) await deliver({ event: { tenantId } })
        }
        const work = await claimDeliveries({ perSubscription: 1 })
        assert.deepEqual(work.map((row) => row.tenantId).sort(), [TENANT, 'other'].sort())
      },
    },
    {
      name: 'the rows of a split are resumed, and take the place of the row that was split',
      must: 'replaces a claimed event row by unclaimed rows of these ranges',
      async run({ store, publishClaimed, claimEvents, claim }) {
        const { claim: whole } = await publishClaimed()
        await store.split(whole, [{ after: null, upTo: null }])
        const [range] = await claimEvents()
        assert.ok(range)
        assert.equal(range.resumed, true, 'parts of it may be recorded')
        const parts = [
          { after: null, upTo: 'm' },
          { after: 'm', upTo: 'x' },
        ]
        assert.equal(await store.split(range.claim, parts), true)
        const work = await claimEvents()
        assert.deepEqual(
          work.map(({ after, upTo, resumed }) => [after, upTo, resumed]).sort(),
          [
            [null, 'm', true],
            ['m', 'x', true],
          ].sort(),
        )
        assert.equal(await store.finish([range.claim]), 0)
        assert.equal(await store.finish(work.map((one) => one.claim)), 2)
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'split and finish are not for deliveries',
      must: 'replaces a claimed event row; removes claimed event rows and jobs',
      async run({ store, subscribe, deliver, claimDelivery, record, claim }) {
        await subscribe()
        const work = await claimDelivery((await deliver()).id)
        assert.equal(await store.split(work.claim, [{ after: null, upTo: null }]), false)
        assert.equal(await store.finish([work.claim]), 0)
        assert.equal((await record(work, dueNow)).result, 'recorded')
        assert.equal((await claim()).work.length, 1)
      },
    },
    {
      name: 'what is appended already claimed has the lease that was asked for',
      must: 'append due events already claimed by this worker, the first room of them',
      needs: ['clock'],
      async run({ store, event, newDelivery, subscribe, claim, advance }) {
        await subscribe()
        const events = [event(), event({ addressee: newDelivery() })]
        const lease = { token: 'mine', leaseMs: 5000, room: 5 }
        const { appended } = await store.append(events, { claim: lease })
        const now = await store.now()
        for (const { work } of appended) assert.equal(work && work.leaseUntil - now, 5000)
        await advance(4999)
        assert.equal((await claim()).work.length, 0)
        await advance(2)
        assert.equal((await claim()).work.length, 2)
      },
    },
    {
      name: 'append answers the version of every tenant of its events',
      must: "the version of each event's tenant, as claim does",
      async run({ store, event, subscribe, version, claim }) {
        const tenants = [TENANT, 'other', 'third']
        for (const tenantId of tenants) await subscribe({ tenantId })
        const { versions } = await store.append(tenants.map((tenantId) => event({ tenantId })))
        const claimed = await claim()
        for (const tenantId of tenants) {
          assert.equal(versions.get(tenantId), await version(tenantId))
          assert.equal(claimed.versions.get(tenantId), versions.get(tenantId))
        }
      },
    },
  ],
}
