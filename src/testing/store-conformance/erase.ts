/** Cases: eraseTenant, and what a tenant's versions are after it. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { CaseGroup } from './case.ts'
import { type Lab, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** Erases until nothing is left. */
async function erase({ store }: Lab, limit = 2): Promise<void> {
  let turns = 0
  while (!(await store.eraseTenant(TENANT, limit))) assert.ok(++turns < 20, 'erasing ends')
}

/** See the file's header. */
export const eraseCases: CaseGroup = {
  group: 'erase',
  cases: [
    {
      name: 'eraseTenant erases every row of the tenant, step by step, and no other',
      must: 'erases every row of a tenant, at most limit events a call; true when nothing is left',
      async run(lab) {
        const { store, subscribe, publish, deliver, deliverHeld, claim } = lab
        for (const tenantId of [TENANT, 'other']) {
          await subscribe({ tenantId })
          await publish({ tenantId })
          await deliver({ next: succeeded, event: { tenantId } })
          await deliverHeld({ event: { tenantId } })
          await store.addJob(tenantId, { kind: 'replay' })
        }
        await erase(lab)
        const page = { limit: 100 }
        const filter = { tenant: TENANT }
        assert.equal(await store.getSubscription(TENANT, SUBSCRIPTION), null)
        assert.deepEqual((await store.listEvents(filter, page)).rows, [])
        assert.deepEqual((await store.listDeliveries(filter, page)).rows, [])
        assert.deepEqual((await store.listAttempts(filter, page)).rows, [])
        assert.deepEqual((await store.listEvents({ tenant: anyTenant }, page)).rows.length, 3)
        const { work } = await claim()
        assert.deepEqual(
          work.map((row) => row.tenantId),
          ['other', 'other'],
        )
      },
    },
    {
      name: 'eraseTenant takes rollups, buckets and claimed rows, too',
      must: 'erases every row of a tenant; subscriptions and queue rows go first, claimed ones too',
      async run(lab) {
        const { store, subscribe, publishClaimed, deliver, deliverHeld, claimDelivery, record } = lab
        await subscribe()
        const event = await publishClaimed()
        const delivery = await claimDelivery((await deliver()).id)
        await deliverHeld()
        const at = { subscriptionId: SUBSCRIPTION, eventType: 'order.paid', bucketMs: 60_000, bucketAt: 0 }
        await store.addRollups([{ tenantId: TENANT, ...at, slot: 'w', counters: { sent: 1 }, histogram: [] }])
        const order = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 1, ordering: 'none' } as const
        const paced = { ...order, rate: { count: 1, perMs: 3_600_000 } }
        assert.equal((await store.release(paced)).released, 1)
        await erase(lab)
        const read = { tenant: TENANT, bucketMs: 60_000, since: 0, until: 1 }
        assert.deepEqual(await store.readRollups(read), [])
        assert.equal((await record(event, succeeded)).result, 'gone')
        assert.equal((await record(delivery, succeeded)).result, 'gone')
        assert.equal(await store.finish([event.claim]), 0)
        assert.equal(await store.handBack([{ claim: delivery.claim, delayMs: 0 }]), 0)
        const nothing = { due: 0, scheduled: 0, held: 0, oldestDueAt: null }
        assert.deepEqual(await store.backlog({ tenant: anyTenant }), nothing)
        await subscribe()
        await deliverHeld()
        assert.equal((await store.release(paced)).released, 1, 'the bucket was erased')
      },
    },
    {
      name: 'the first step of an erase takes subscriptions and queue rows',
      must: 'at most limit events a call; subscriptions and queue rows go first',
      async run({ store, subscribe, publish, deliver, deliverHeld, claim }) {
        await subscribe()
        await publish()
        for (let n = 0; n < 2; n++) await deliver()
        await deliverHeld()
        assert.equal(await store.eraseTenant(TENANT, 1), false)
        assert.equal(await store.getSubscription(TENANT, SUBSCRIPTION), null)
        assert.deepEqual(await store.listHeld({ after: null, limit: 10 }), [])
        const { work, nextDueAt } = await claim()
        assert.deepEqual([work.length, nextDueAt], [0, null])
        const left = await store.listEvents({ tenant: TENANT }, { limit: 10 })
        assert.equal(left.rows.length, 3, 'one event a call')
        assert.equal(await store.eraseTenant(TENANT, 3), true, 'nothing is left after the last one')
      },
    },
    {
      name: 'a tenant that was erased never has a version again that it had before',
      must: 'each call that leaves something bumps the version; then it has none, which reads as 0; a later one is greater than all it had',
      needs: ['clock'],
      async run(lab) {
        const { store, subscribe, publish, deliver, claim, version, advance } = lab
        await subscribe()
        for (let n = 0; n < 4; n++) await store.updateSubscription(TENANT, SUBSCRIPTION, { name: `${n}` })
        for (let n = 0; n < 2; n++) await deliver({ next: succeeded })
        const before = await version()
        // What is appended meanwhile must not be matched with what a worker remembers.
        const claimed = async () => {
          const { appended, versions } = await store.append([lab.event()])
          assert.equal(appended.length, 1)
          const known = (await claim()).versions.get(TENANT)
          assert.deepEqual([versions.get(TENANT), await version()], [known, known])
          assert.ok(known !== undefined)
          return known
        }
        assert.equal(await store.eraseTenant(TENANT, 1), false)
        const between = await claimed()
        assert.ok(between > before, 'subscriptions are gone: the version says so')
        await erase(lab)
        await advance(1000)
        const after = await claimed()
        assert.equal(after, 0, 'an erased tenant has none')
        await subscribe()
        await publish()
        const back = (await claim()).versions.get(TENANT)
        assert.ok(Number(back) > between, `${back} is greater than ${between}`)
        assert.equal(await version(), back)
      },
    },
  ],
}
