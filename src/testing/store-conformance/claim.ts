/** Cases: claim, lease, order, buckets and finish. */
import assert from 'node:assert/strict'
import { tenantBucket } from '../../patterns.ts'
import type { CaseGroup } from './case.ts'
import { LEASE_MS, TENANT } from './lab.ts'

/** See the file's header. */
export const claimCases: CaseGroup = {
  group: 'claim',
  cases: [
    {
      name: 'claim leases what is due, with the token it was given',
      must: 'leases due rows: due and unclaimed',
      async run({ publish, claim }) {
        const event = await publish()
        const { work, now, versions, suspects } = await claim({ token: 'mine', leaseMs: 5000 })
        const [row] = work
        assert.equal(work.length, 1)
        assert.ok(row?.kind === 'event')
        assert.equal(row.claim.token, 'mine')
        assert.equal(row.tenantId, TENANT)
        assert.deepEqual(row.event, event)
        assert.deepEqual([row.after, row.upTo], [null, null])
        assert.deepEqual([row.lostClaims, row.lostAlone, row.resumed], [0, 0, false])
        assert.ok(Math.abs(row.leaseUntil - (now + 5000)) < 1000, 'the lease runs from the store’s now')
        assert.equal(suspects, false)
        assert.ok(versions.has(TENANT))
      },
    },
    {
      name: 'a leased row is not given again',
      must: 'a row is never given to two callers at a time',
      async run({ publish, claim }) {
        await publish()
        assert.equal((await claim()).work.length, 1)
        assert.equal((await claim()).work.length, 0)
      },
    },
    {
      name: 'a row is given again when its lease is over, as resumed with one lost claim',
      must: 'or with their lease over; counts each claim as lost until an outcome of it is recorded',
      needs: ['clock'],
      async run({ publish, claimEvents, advance }) {
        await publish()
        const [first] = await claimEvents()
        await advance(LEASE_MS - 1)
        assert.equal((await claimEvents()).length, 0)
        await advance(2)
        const [second] = await claimEvents()
        assert.ok(first && second)
        assert.equal(second.resumed, true)
        assert.equal(second.lostClaims, 1)
        assert.notEqual(second.claim.token, first.claim.token)
      },
    },
    {
      name: 'claim takes at most its limit, and the rest later',
      must: 'limit',
      async run({ store, event, claim, claimEvents }) {
        await store.append(Array.from({ length: 5 }, () => event()))
        const { work, nextDueAt, now } = await claim({ limit: 3 })
        assert.ok(nextDueAt !== null && nextDueAt <= now, 'what was left is due')
        const first = work.flatMap((one) => (one.kind === 'event' ? [one] : []))
        const second = await claimEvents({ limit: 3 })
        assert.deepEqual([first.length, second.length], [3, 2])
        assert.equal(new Set([...first, ...second].map((work) => work.event.id)).size, 5)
      },
    },
    {
      name: 'claimed work of a tenant is in the order of its due times',
      must: 'in the order of their due times within a tenant',
      needs: ['clock'],
      async run({ publish, claimEvents, advance }) {
        await publish({ id: 'third', delayMs: 3000 })
        await publish({ id: 'first', delayMs: 1000 })
        await publish({ id: 'second', delayMs: 2000 })
        await advance(4000)
        const ids = (await claimEvents()).map((work) => work.event.id)
        assert.deepEqual(ids, ['first', 'second', 'third'])
      },
    },
    {
      name: 'claim says when the next row is due',
      must: 'the earliest due time or lease end of what was left, or null when nothing is queued',
      needs: ['clock'],
      async run({ publish, claim, store }) {
        assert.equal((await claim()).nextDueAt, null)
        const later = await publish({ delayMs: 60_000 })
        assert.equal((await claim()).nextDueAt, later.dueAt)
        await publish()
        const [work] = (await claim({ leaseMs: 10_000 })).work
        assert.ok(work)
        assert.equal((await claim()).nextDueAt, work.leaseUntil)
        await store.finish([work.claim])
        assert.equal((await claim()).nextDueAt, later.dueAt)
      },
    },
    {
      name: 'claim with buckets takes only their tenants',
      must: 'only tenants whose bucket is in from..to, both included',
      async run({ publish, claim }) {
        const tenants = ['t-1', 't-2', 't-3', 't-4', 't-5', 't-6']
        for (const tenantId of tenants) await publish({ tenantId })
        const bucket = tenantBucket('t-1')
        const { work } = await claim({ buckets: { from: bucket, to: bucket } })
        const expected = tenants.filter((tenantId) => tenantBucket(tenantId) === bucket)
        assert.deepEqual(work.map((row) => row.tenantId).sort(), expected)
        const buckets = tenants.filter((tenantId) => !expected.includes(tenantId)).map(tenantBucket)
        const rest = await claim({ buckets: { from: Math.min(...buckets), to: Math.max(...buckets) } })
        assert.equal(rest.work.length, tenants.length - expected.length, 'both ends are included')
      },
    },
    {
      name: 'finish removes rows whose claim is live, and skips the others',
      must: 'lost claims are skipped; returns how many were removed',
      async run({ store, publish, claimEvents, claim }) {
        await publish()
        await publish()
        const [one, two] = await claimEvents()
        assert.ok(one && two)
        const forged = { row: two.claim.row, token: 'not-the-token' }
        assert.equal(await store.finish([one.claim, forged]), 1)
        assert.equal(await store.finish([one.claim]), 0)
        assert.equal(await store.finish([two.claim]), 1)
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'finish with a claim that another worker has taken over removes nothing',
      must: 'fenced by the claim token',
      needs: ['clock'],
      async run({ store, publish, claimEvents, advance }) {
        await publish()
        const [first] = await claimEvents()
        await advance(LEASE_MS + 1)
        const [second] = await claimEvents()
        assert.ok(first && second)
        assert.equal(await store.finish([first.claim]), 0)
        assert.equal(await store.finish([second.claim]), 1)
      },
    },
    {
      name: 'claim answers the version that the tenant’s last change gave',
      must: 'subscription version of each tenant in work; grows with every change of its subscriptions',
      async run({ publish, claim, subscribe, version, store }) {
        await subscribe()
        await publish()
        const first = await claim()
        assert.equal(first.versions.get(TENANT), await version())
        await store.deleteSubscription(TENANT, 'sub-a')
        await publish()
        const second = await claim()
        assert.ok(Number(second.versions.get(TENANT)) > Number(first.versions.get(TENANT)))
      },
    },
  ],
}
