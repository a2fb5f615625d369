/** Cases: rollups. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { RollupRecord } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { TENANT } from './lab.ts'

function rollup(parts: Partial<RollupRecord> = {}): RollupRecord {
  return {
    tenantId: TENANT,
    subscriptionId: 'sub-a',
    eventType: 'order.paid',
    bucketAt: 60_000,
    bucketMs: 60_000,
    slot: 'one',
    counters: { succeeded: 1 },
    histogram: [0, 1],
    ...parts,
  }
}

const range = { tenant: TENANT, bucketMs: 60_000, since: 0, until: 600_000 }

/** See the file's header. */
export const rollupCases: CaseGroup = {
  group: 'rollups',
  cases: [
    {
      name: 'rollups of one bucket add up, over calls and slots',
      must: 'adds to the rows of the same (…, slot); of every slot, summed up',
      async run({ store }) {
        await store.addRollups([rollup(), rollup({ counters: { succeeded: 2, failed: 1 } })])
        await store.addRollups([rollup({ slot: 'two', histogram: [1, 0, 4] })])
        const rows = await store.readRollups(range)
        assert.equal(rows.length, 1)
        assert.deepEqual(rows[0]?.counters, { succeeded: 4, failed: 1 })
        assert.deepEqual(rows[0]?.histogram, [1, 2, 4])
      },
    },
    {
      name: 'rollups are read by range, width, subscription and tenant',
      must: 'buckets with bucketAt ≥ since, < until, per (tenant, subscription, type, bucket); the slot of a sum is empty',
      async run({ store }) {
        await store.addRollups([
          rollup({ bucketAt: 0 }),
          rollup({ bucketAt: 60_000 }),
          rollup({ bucketAt: 120_000 }),
          rollup({ bucketAt: 60_000, bucketMs: 3_600_000 }),
          rollup({ subscriptionId: null }),
          rollup({ eventType: 'order.sent' }),
          rollup({ tenantId: 'other' }),
        ])
        const count = async (filter: Partial<Parameters<typeof store.readRollups>[0]>) =>
          (await store.readRollups({ ...range, ...filter })).length
        assert.equal(await count({}), 5)
        assert.equal(await count({ since: 60_000, until: 120_000 }), 3)
        assert.equal(await count({ subscriptionId: 'sub-a' }), 4)
        assert.equal(await count({ bucketMs: 3_600_000 }), 1)
        assert.equal(await count({ tenant: 'other' }), 1)
        assert.equal(await count({ tenant: anyTenant }), 6)
        assert.equal(await count({ tenant: ['other', 'none', 'other'] }), 1)
        assert.equal(await count({ tenant: [TENANT, 'other'], subscriptionId: 'sub-a' }), 5)
        assert.equal(await count({ tenant: [] }), 0)
        const read = await store.readRollups({ ...range, tenant: anyTenant })
        assert.deepEqual(
          read.filter(({ tenantId }) => tenantId === 'other'),
          [rollup({ tenantId: 'other', slot: '' })],
        )
      },
    },
    {
      name: 'old rollups of one width are removed, step by step',
      must: 'removes rollups of this width whose bucket began before ageMs ago, at most limit rows',
      async run({ store, hasClock }) {
        const now = await store.now()
        const old = { bucketAt: now - 600_000 }
        await store.addRollups([
          rollup(old),
          rollup({ ...old, slot: 'two' }),
          rollup({ ...old, bucketMs: 3_600_000 }),
          rollup({ bucketAt: now }),
        ])
        const request = { bucketMs: 60_000, ageMs: 599_999 }
        assert.equal(
          await store.pruneRollups({ bucketMs: 60_000, ageMs: 600_001, limit: 9 }),
          0,
          'not that old',
        )
        if (hasClock)
          assert.equal(
            await store.pruneRollups({ bucketMs: 60_000, ageMs: 600_000, limit: 9 }),
            0,
            'not before',
          )
        assert.equal(await store.pruneRollups({ ...request, limit: 1 }), 1)
        assert.equal(await store.pruneRollups({ ...request, limit: 10 }), 1)
        assert.equal(await store.pruneRollups({ ...request, limit: 10 }), 0)
        const wide = { ...range, until: now + 1 }
        assert.deepEqual(
          (await store.readRollups(wide)).map((row) => row.bucketAt),
          [now],
        )
        assert.equal((await store.readRollups({ ...wide, bucketMs: 3_600_000 })).length, 1)
      },
    },
    {
      name: 'concurrent rollups lose nothing',
      must: 'concurrent calls behave as if one came after the other',
      async run({ store }) {
        await Promise.all(Array.from({ length: 20 }, () => store.addRollups([rollup()])))
        const [row] = await store.readRollups(range)
        assert.deepEqual([row?.counters.succeeded, row?.histogram], [20, [0, 20]])
      },
    },
  ],
}
