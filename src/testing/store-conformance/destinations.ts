/** Cases: the walk over the sealed one-use destinations of pending deliveries, and their exchange. */
import assert from 'node:assert/strict'
import type { DeliveryPlace, PendingDestination } from '../../queries.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, type Lab, succeeded, TENANT } from './lab.ts'

/** A delivery that waits for its one-use destination. */
async function owe({ publish, newDelivery }: Lab, tenantId = TENANT, destination = 'sealed') {
  const addressee = newDelivery({ subscriptionId: null, destination })
  await publish({ tenantId, addressee })
  return addressee
}

/** The whole walk, `limit` a page, and the deliveries that it met. */
async function walk({ store }: Lab, limit: number): Promise<readonly PendingDestination[]> {
  const met: PendingDestination[] = []
  let after: DeliveryPlace | null = null
  for (let pages = 0; pages < 100; pages++) {
    const page: Awaited<ReturnType<typeof store.listDestinations>> = await store.listDestinations({
      after,
      limit,
    })
    assert.ok(page.destinations.length <= limit, 'a page has at most as many as were asked for')
    met.push(...page.destinations)
    if (page.next === null) return met
    after = page.next
  }
  return assert.fail('the walk has an end')
}

const names = (rows: readonly PendingDestination[]) =>
  rows.map((row) => `${row.tenantId} ${row.deliveryId} ${row.destination}`).sort()

/** See the file's header. */
export const destinationCases: CaseGroup = {
  group: 'one-use destinations',
  cases: [
    {
      name: 'listDestinations meets each pending destination once, in pages of any size',
      must: 'a walk over all tenants, up to `limit` of them a page, strictly after `after`',
      async run(lab) {
        await lab.subscribe()
        const expected: string[] = []
        for (const tenantId of ['b', TENANT, 'a', 'B', 'a ']) {
          for (let count = 0; count < 3; count++) {
            const { id } = await owe(lab, tenantId, `sealed ${count}`)
            expected.push(`${tenantId} ${id} sealed ${count}`)
          }
          const same = lab.newDelivery({ id: 'same', subscriptionId: null, destination: 'sealed' })
          await lab.publish({ tenantId, addressee: same })
          expected.push(`${tenantId} same sealed`)
          await lab.publish({ tenantId })
        }
        for (let count = 0; count < 4; count++) await lab.deliver()
        await lab.deliverHeld()
        for (const limit of [1, 2, 7, 1_000])
          assert.deepEqual(names(await walk(lab, limit)), [...expected].sort(), `${limit} a page`)
      },
    },
    {
      name: 'listDestinations meets claimed and reopened deliveries, and none that has ended',
      must: 'of pending deliveries, claimed and held ones too',
      async run(lab) {
        const { store, claimDeliveries, record } = lab
        const [ended, reopened, retried] = [await owe(lab), await owe(lab), await owe(lab)]
        for (const work of await claimDeliveries())
          await record(work, work.delivery.id === retried.id ? dueNow : exhausted)
        await store.redeliver(TENANT, reopened.id, {
          trigger: 'manual',
          maxAgeMs: 5_000,
          destination: 'anew',
        })
        const claimed = await owe(lab)
        await claimDeliveries()
        const expected = [reopened, retried, claimed].map(({ id, destination }) =>
          id === reopened.id ? `${TENANT} ${id} anew` : `${TENANT} ${id} ${destination}`,
        )
        assert.deepEqual(names(await walk(lab, 2)), expected.sort())
        assert.equal((await lab.delivery(ended.id)).destination, null)
      },
    },
    {
      name: 'replaceDestinations replaces what is still the one that was read, and nothing else',
      must: 'only while its delivery is pending and its destination is, byte for byte, still `from`',
      async run(lab) {
        const { store, delivery } = lab
        const { id: deliveryId } = await owe(lab)
        const before = await delivery(deliveryId)
        const change = { tenantId: TENANT, deliveryId, from: 'sealed', to: 'anew' }
        const wrong = [
          ...['other', '', 'SEALED', 'sealed '].map((from) => ({ ...change, from })),
          { ...change, tenantId: 'other' },
          { ...change, deliveryId: 'none' },
        ]
        assert.equal(await store.replaceDestinations([]), 0)
        for (const one of wrong) assert.equal(await store.replaceDestinations([one]), 0, JSON.stringify(one))
        assert.equal((await delivery(deliveryId)).destination, 'sealed')
        assert.equal(await store.replaceDestinations([...wrong, change]), 1)
        assert.deepEqual(await delivery(deliveryId), { ...before, destination: 'anew' })
        assert.equal(
          await store.replaceDestinations([change]),
          0,
          'what was read before is not there any more',
        )
      },
    },
    {
      name: 'replaceDestinations keeps any text, however many there are',
      must: 'replaces sealed destinations',
      async run(lab) {
        const to = `posthorn-sealed.x.${'é"\\\u{1F4EF}\n'.repeat(2_000)}`
        const owed = await Promise.all(Array.from({ length: 40 }, () => owe(lab)))
        const changes = owed.map(({ id }) => ({ tenantId: TENANT, deliveryId: id, from: 'sealed', to }))
        assert.equal(await lab.store.replaceDestinations(changes), 40)
        for (const { destination } of await walk(lab, 15)) assert.equal(destination, to)
      },
    },
    {
      name: 'replaceDestinations leaves a claim as it is, and record keeps the new destination',
      must: 'Nothing else of the delivery changes, its claim and `updatedAt` neither',
      async run(lab) {
        const { store, claimDelivery, record, delivery } = lab
        const { id: deliveryId } = await owe(lab)
        const work = await claimDelivery(deliveryId)
        const change = { tenantId: TENANT, deliveryId, from: 'sealed', to: 'anew' }
        assert.equal(await store.replaceDestinations([change]), 1)
        assert.equal((await record(work, dueNow)).result, 'recorded')
        assert.equal((await delivery(deliveryId)).destination, 'anew')
        assert.equal((await claimDelivery(deliveryId)).delivery.destination, 'anew')
      },
    },
    {
      name: 'replaceDestinations brings nothing back to an ended delivery',
      must: 'an ended delivery stays without one',
      async run(lab) {
        const { store, claimDelivery, record, delivery } = lab
        const [sent, cancelled] = [await owe(lab), await owe(lab)]
        await record(await claimDelivery(sent.id), succeeded)
        await store.cancel({ tenantId: TENANT, deliveryId: cancelled.id }, 1)
        const changes = [sent, cancelled].map(({ id }) => ({
          tenantId: TENANT,
          deliveryId: id,
          from: 'sealed',
          to: 'anew',
        }))
        assert.equal(await store.replaceDestinations(changes), 0)
        for (const { id } of [sent, cancelled]) assert.equal((await delivery(id)).destination, null)
      },
    },
    {
      name: 'of record and replaceDestinations at the same time, none undoes the other',
      must: 'concurrent calls behave as if one came after the other',
      async run(lab) {
        const { store, claimDeliveries, outcome, delivery } = lab
        const owed = await Promise.all(Array.from({ length: 12 }, () => owe(lab)))
        const work = await claimDeliveries()
        const outcomes = await Promise.all(work.map((one, at) => outcome(one, at % 2 ? succeeded : dueNow)))
        const changes = owed.map(({ id }) => ({
          tenantId: TENANT,
          deliveryId: id,
          from: 'sealed',
          to: 'anew',
        }))
        await Promise.all([
          store.record(outcomes.slice(0, 6)),
          store.replaceDestinations(changes),
          store.record(outcomes.slice(6)),
        ])
        for (const { id } of owed) {
          const { state, destination } = await delivery(id)
          assert.equal(destination, state === 'pending' ? 'anew' : null)
        }
        assert.equal((await walk(lab, 100)).length, 6)
      },
    },
  ],
}
