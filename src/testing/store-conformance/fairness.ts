/** Cases: how claim shares out among tenants and subscriptions. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { TENANT } from './lab.ts'

function countBy<Row>(rows: readonly Row[], key: (row: Row) => string | null): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of rows) counts[String(key(row))] = (counts[String(key(row))] ?? 0) + 1
  return counts
}

/** See the file's header. */
export const fairnessCases: CaseGroup = {
  group: 'fairness',
  cases: [
    {
      name: "a tenant does not wait behind another's backlog",
      must: "goes round the tenants, so that no tenant waits behind another's backlog",
      async run({ store, event, claim }) {
        await store.append(Array.from({ length: 40 }, () => event({ tenantId: 'big' })))
        await store.append([event({ tenantId: 'small' }), event({ tenantId: 'tiny' })])
        const { work } = await claim({ limit: 10, perTenant: 8 })
        const counts = countBy(work, (row) => row.tenantId)
        assert.deepEqual(counts, { big: 8, small: 1, tiny: 1 })
      },
    },
    {
      name: 'a tenant that is alone gets the whole limit',
      must: 'a tenant that is alone gets the whole limit',
      async run({ store, event, claim }) {
        await store.append(Array.from({ length: 6 }, () => event()))
        assert.equal((await claim({ limit: 5, perTenant: 2 })).work.length, 5)
      },
    },
    {
      name: 'repeated claims come round to every tenant',
      must: 'goes round the tenants',
      async run({ store, event, claim }) {
        const tenants = ['a', 'b', 'c', 'd', 'e', 'f']
        for (const tenantId of tenants) {
          await store.append(Array.from({ length: 6 }, () => event({ tenantId })))
        }
        const seen = new Set<string>()
        for (let n = 0; n < tenants.length; n++) {
          for (const row of (await claim({ limit: 2, perTenant: 2 })).work) seen.add(row.tenantId)
        }
        assert.deepEqual([...seen].sort(), tenants)
      },
    },
    {
      name: 'repeated claims come round to every tenant, however many others have backlogs',
      must: "goes round the tenants, so that no tenant waits behind another's backlog",
      async run({ store, event, claim }) {
        const tenants = Array.from({ length: 45 }, (_, n) => `tenant-${10 + n}`)
        await store.append(Array.from({ length: 300 }, () => event({ tenantId: 'before' })))
        for (const tenantId of tenants)
          await store.append(Array.from({ length: 12 }, () => event({ tenantId })))
        const seen = new Set<string>()
        for (let n = 0; n < 8; n++)
          for (const row of (await claim({ limit: 16, perTenant: 8 })).work) seen.add(row.tenantId)
        assert.deepEqual([...seen].sort(), ['before', ...tenants])
      },
    },
    {
      name: 'a subscription gets at most perSubscription',
      must: 'delivery rows of one subscription at most, unless shares says otherwise',
      async run({ subscribe, deliver, claimDeliveries }) {
        for (const id of ['sub-a', 'sub-b']) await subscribe({ id })
        for (let n = 0; n < 4; n++) await deliver({ subscriptionId: 'sub-a' })
        await deliver({ subscriptionId: 'sub-b' })
        const work = await claimDeliveries({ perSubscription: 2 })
        const counts = countBy(work, (row) => row.delivery.subscriptionId)
        assert.deepEqual(counts, { 'sub-a': 2, 'sub-b': 1 })
      },
    },
    {
      name: 'shares go before perSubscription, and 0 leaves a subscription out',
      must: 'free share of single subscriptions; 0 leaves it out',
      async run({ subscribe, deliver, claimDeliveries }) {
        for (const id of ['sub-a', 'sub-b', 'sub-c']) {
          await subscribe({ id })
          for (let n = 0; n < 4; n++) await deliver({ subscriptionId: id })
        }
        const shares = new Map([
          ['sub-a', 0],
          ['sub-b', 3],
        ])
        const work = await claimDeliveries({ perSubscription: 1, shares })
        const counts = countBy(work, (row) => row.delivery.subscriptionId)
        assert.deepEqual(counts, { 'sub-b': 3, 'sub-c': 1 })
      },
    },
    {
      name: 'a subscription that is left out does not use up the limit',
      must: '0 leaves it out',
      async run({ subscribe, deliver, claimDeliveries }) {
        for (const id of ['sub-a', 'sub-b']) await subscribe({ id })
        for (let n = 0; n < 6; n++) await deliver({ subscriptionId: 'sub-a' })
        const { id } = await deliver({ subscriptionId: 'sub-b' })
        const work = await claimDeliveries({ limit: 1, shares: new Map([['sub-a', 0]]) })
        assert.deepEqual(
          work.map((row) => row.delivery.id),
          [id],
        )
      },
    },
    {
      name: 'shares limit deliveries only, not events, jobs and one-use destinations',
      must: 'delivery rows of one subscription at most; one-use destinations have no share',
      async run({ store, publish, claim, subscribe, newDelivery }) {
        await subscribe()
        await publish()
        await store.addJob(TENANT, { state: 'running' })
        await publish({ addressee: newDelivery({ subscriptionId: null, destination: 'sealed' }) })
        const { work } = await claim({ perSubscription: 0, shares: new Map([['sub-a', 0]]) })
        assert.deepEqual(work.map(({ kind }) => kind).sort(), ['delivery', 'event', 'job'])
      },
    },
  ],
}
