/** Cases: prune. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { exhausted, succeeded, TENANT } from './lab.ts'

const DAY = 86_400_000

/** See the file's header. */
export const pruneCases: CaseGroup = {
  group: 'prune',
  cases: [
    {
      name: 'prune removes finished events with their deliveries and attempts',
      must: 'events whose deliveries have all ended this long ago, with their deliveries and attempts',
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance }) {
        await subscribe()
        const old = await deliver({ next: succeeded })
        await advance(DAY)
        const young = await deliver({ next: exhausted })
        await advance(DAY / 2)
        const { events } = await store.prune({ finishedAgeMs: DAY, limit: 10 })
        assert.equal(events, 1)
        assert.equal(await store.getEvent(TENANT, old.eventId), null)
        assert.equal(await store.getDelivery(TENANT, old.id), null)
        assert.deepEqual(await store.expanded(TENANT, old.eventId, { after: null, upTo: null }), [])
        const { rows } = await store.listAttempts({ tenant: TENANT }, { limit: 10 })
        assert.deepEqual(
          rows.map((row) => row.deliveryId),
          [young.id],
        )
        assert.equal((await store.getDelivery(TENANT, young.id))?.state, 'failed')
      },
    },
    {
      name: 'prune never removes what is undelivered',
      must: 'never what is undelivered',
      needs: ['clock'],
      async run({ store, publish, subscribe, deliver, deliverHeld, advance, claim }) {
        await subscribe()
        await publish({ id: 'unexpanded' })
        const retrying = await deliver({ delivery: { maxAgeMs: 99 * DAY } })
        const held = await deliverHeld({ delivery: { maxAgeMs: 99 * DAY } })
        await advance(10 * DAY)
        const pruned = await store.prune({ finishedAgeMs: 1, bodyAgeMs: 1, keyAgeMs: 1, limit: 10 })
        assert.deepEqual(pruned, { events: 0, bodies: 0, keys: 0 })
        for (const id of ['unexpanded', retrying.eventId, held.eventId]) {
          assert.equal((await store.getEvent(TENANT, id))?.body, '{"n":1}')
        }
        assert.equal((await claim()).work.length, 2)
      },
    },
    {
      name: 'prune takes bodies and excerpts and leaves the rows',
      must: 'bodies (and excerpts) of events whose deliveries have all ended this long ago; the rows stay',
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance, attemptsOf }) {
        await subscribe()
        const row = await deliver({ next: succeeded, attempt: { excerpt: 'thanks' } })
        await advance(DAY)
        const pruned = await store.prune({ bodyAgeMs: DAY - 1, limit: 10 })
        assert.deepEqual([pruned.events, pruned.bodies], [0, 1])
        const event = await store.getEvent(TENANT, row.eventId)
        assert.ok(event)
        assert.equal(event.body, null)
        const [attempt] = await attemptsOf(row.id)
        assert.ok(attempt)
        assert.equal(attempt.excerpt, null)
        assert.equal((await store.prune({ bodyAgeMs: DAY - 1, limit: 10 })).bodies, 0, 'once')
      },
    },
    {
      name: 'prune frees old idempotency keys of finished events only',
      must: 'idempotency keys this old, of events whose deliveries have all ended',
      needs: ['clock'],
      async run({ store, event, publish, subscribe, deliver, advance }) {
        await subscribe()
        await deliver({ next: succeeded, event: { idempotencyKey: 'done' } })
        await publish({ idempotencyKey: 'open' })
        await advance(DAY)
        assert.equal((await store.prune({ keyAgeMs: DAY + 1, limit: 10 })).keys, 0)
        assert.equal((await store.prune({ keyAgeMs: DAY - 1, limit: 10 })).keys, 1)
        const again = ['done', 'open'].map((idempotencyKey) => event({ idempotencyKey }))
        const { appended } = await store.append(again)
        assert.deepEqual(
          appended.map((entry) => entry.duplicate),
          [false, true],
        )
      },
    },
    {
      name: 'prune keeps its limit, and absent ages prune nothing',
      must: 'at most limit events a call; absent ones prune nothing',
      needs: ['clock'],
      async run({ store, subscribe, deliver, advance }) {
        await subscribe()
        for (let n = 0; n < 3; n++) await deliver({ next: succeeded })
        await advance(DAY)
        assert.deepEqual(await store.prune({ limit: 10 }), { events: 0, bodies: 0, keys: 0 })
        await deliver({ next: succeeded, event: { idempotencyKey: 'fresh' } })
        await advance(1)
        const atOnce = { bodyAgeMs: 0, keyAgeMs: 0, limit: 10 }
        assert.deepEqual(await store.prune(atOnce), { events: 0, bodies: 4, keys: 1 }, 'an age of 0 is one')
        assert.equal((await store.prune({ finishedAgeMs: 2, limit: 2 })).events, 2)
        assert.equal((await store.prune({ finishedAgeMs: 2, limit: 2 })).events, 1)
        assert.equal((await store.prune({ finishedAgeMs: 0, limit: 2 })).events, 1)
      },
    },
  ],
}
