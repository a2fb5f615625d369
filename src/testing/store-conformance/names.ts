/** Cases: ids, tenants and keys are compared byte for byte; names that look alike are different. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, TENANT } from './lab.ts'

/** A space and a tab behind, another case, another normal form, an accent less. */
const LOOK_ALIKE = ['a', 'a ', 'a  ', 'a\t', 'A', 'é', 'e\u0301', 'e', 'ß', 'ss'] as const

/** See the file's header. */
export const nameCases: CaseGroup = {
  group: 'names',
  cases: [
    {
      name: 'event ids that look alike are different events, in one call and in several',
      must: 'ids, tenants and keys compare byte for byte',
      async run({ store, event, claimEvents }) {
        const half = LOOK_ALIKE.length / 2
        const events = LOOK_ALIKE.map((id) => event({ id, body: JSON.stringify(id) }))
        const first = await store.append(events.slice(0, half))
        const second = await store.append(events.slice(half))
        for (const { duplicate } of [...first.appended, ...second.appended]) assert.equal(duplicate, false)
        for (const id of LOOK_ALIKE) {
          assert.equal((await store.getEvent(TENANT, id))?.body, JSON.stringify(id))
        }
        const claimed = await claimEvents()
        assert.deepEqual(claimed.map((work) => work.event.id).sort(), [...LOOK_ALIKE].sort())
        assert.equal(await store.finish(claimed.slice(0, 1).map((work) => work.claim)), 1)
      },
    },
    {
      name: 'idempotency keys that look alike are different keys',
      must: 'ids, tenants and keys compare byte for byte',
      async run({ store, event }) {
        for (const idempotencyKey of LOOK_ALIKE) {
          const { appended } = await store.append([event({ idempotencyKey })])
          assert.equal(appended[0]?.duplicate, false, `${JSON.stringify(idempotencyKey)} is new`)
        }
        for (const idempotencyKey of LOOK_ALIKE) {
          const { appended } = await store.append([event({ idempotencyKey })])
          assert.equal(appended[0]?.duplicate, true, `${JSON.stringify(idempotencyKey)} is known`)
          assert.equal(appended[0]?.event.idempotencyKey, idempotencyKey)
        }
      },
    },
    {
      name: 'tenants that look alike do not see each other',
      must: 'rows of another tenant than the scope’s do not exist',
      async run({ store, publish, subscribe }) {
        for (const tenantId of LOOK_ALIKE) {
          await subscribe({ tenantId, name: tenantId })
          await publish({ tenantId, id: `of ${tenantId}` })
        }
        for (const tenantId of LOOK_ALIKE) {
          const { rows } = await store.listEvents({ tenant: tenantId }, { limit: 100, order: 'oldest' })
          assert.deepEqual(
            rows.map((row) => row.id),
            [`of ${tenantId}`],
          )
          const { subscriptions } = await store.snapshot(tenantId, { after: null, upTo: null, limit: 100 })
          assert.deepEqual(
            subscriptions.map((row) => row.name),
            [tenantId],
          )
        }
        while (!(await store.eraseTenant('a', 100)));
        const { rows } = await store.listEvents({ tenant: anyTenant }, { limit: 100, order: 'oldest' })
        assert.equal(rows.length, LOOK_ALIKE.length - 1, 'erasing one tenant erases no other')
      },
    },
    {
      name: 'subscriptions and deliveries whose ids look alike are different ones',
      must: 'ids, tenants and keys compare byte for byte',
      async run({ store, subscribe, publishClaimed, outcome }) {
        for (const id of LOOK_ALIKE) await subscribe({ id, name: id })
        const work = await publishClaimed()
        const next = { state: 'pending', delayMs: 60_000, trigger: 'retry' } as const
        const outcomes = await Promise.all(
          LOOK_ALIKE.map((id) => outcome(work, next, { subscriptionId: id, delivery: { id } })),
        )
        for (const { result } of await store.record(outcomes)) assert.equal(result, 'recorded')
        const range = { after: null, upTo: null }
        const expanded = await store.expanded(TENANT, work.event.id, range)
        assert.deepEqual([...expanded].sort(), [...LOOK_ALIKE].sort())
        const [deleted, ...kept] = LOOK_ALIKE
        assert.equal((await store.deleteSubscription(TENANT, deleted))?.subscription.name, deleted)
        assert.equal((await store.getDelivery(TENANT, deleted))?.state, 'cancelled')
        for (const id of kept) {
          assert.equal((await store.getSubscription(TENANT, id))?.name, id)
          assert.equal((await store.getDelivery(TENANT, id))?.state, 'pending', `${JSON.stringify(id)} waits`)
        }
      },
    },
    {
      name: 'ordering keys that look alike are different lines',
      must: 'ids, tenants and keys compare byte for byte',
      async run({ store, subscribe, deliverHeld }) {
        await subscribe()
        const lines = await Promise.all(
          LOOK_ALIKE.map((orderingKey) => deliverHeld({ event: { orderingKey } })),
        )
        const released = await store.release({
          tenantId: TENANT,
          subscriptionId: SUBSCRIPTION,
          limit: 100,
          ordering: 'key',
        })
        assert.equal(released.released, lines.length)
      },
    },
  ],
}
