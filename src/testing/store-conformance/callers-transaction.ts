/** Cases: what is appended in a transaction of the caller's. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { CaseGroup } from './case.ts'
import { type Lab, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** Of each kind one: a plain event, two with an addressee, one of another tenant. */
function eventsOf({ event, newDelivery }: Lab) {
  return {
    plain: event({ idempotencyKey: 'plain' }),
    addressed: event({ addressee: newDelivery() }),
    oneUse: event({ addressee: newDelivery({ subscriptionId: null, destination: 'sealed' }) }),
    elsewhere: event({ tenantId: 'other', idempotencyKey: 'plain' }),
  }
}

/** See the file's header. */
export const callersTransactionCases: CaseGroup = {
  group: "the caller's transaction",
  cases: [
    {
      name: 'an event of an old transaction carries the time of its statement',
      must: 'publishedAt: the clock when the statement ran (not when its transaction began)',
      needs: ['clock', 'transaction'],
      async run({ store, publish, begin, advance }) {
        const before = await store.now()
        const transaction = await begin()
        await advance(60_000)
        const { publishedAt } = await publish({}, { tx: transaction.tx })
        await transaction.commit()
        assert.ok(publishedAt >= before + 60_000)
      },
    },
    {
      name: 'what a transaction appends is seen by nobody else before it commits',
      must: 'nobody else sees what it appends before it commits',
      needs: ['transaction'],
      async run(lab) {
        const { store, publish, begin, claim } = lab
        await lab.subscribe()
        const { plain, addressed, oneUse, elsewhere } = eventsOf(lab)
        const { tx, rollback } = await begin()
        await publish(plain, { tx })
        await publish(addressed, { tx })
        // Nobody waits for these yet: a store of one session answers them when the transaction has ended.
        const outside = Promise.all([
          claim(),
          store.listEvents({ tenant: anyTenant }, { limit: 10 }),
          store.listDeliveries({ tenant: anyTenant }, { limit: 10 }),
          store.backlog({ tenant: anyTenant }),
        ])
        await publish(oneUse, { tx })
        await publish(elsewhere, { tx })
        await rollback()
        const [claimed, events, deliveries, backlog] = await outside
        assert.deepEqual([claimed.work, events.rows, deliveries.rows], [[], [], []])
        assert.deepEqual([backlog.due, backlog.scheduled], [0, 0])
      },
    },
    {
      name: 'what a transaction that is rolled back has appended was never there',
      must: 'every statement runs in it; all of it is undone with it',
      needs: ['transaction'],
      async run(lab) {
        const { store, begin, claim } = lab
        await lab.subscribe()
        const { plain, addressed, oneUse, elsewhere } = eventsOf(lab)
        const all = [plain, addressed, oneUse, elsewhere]
        const { tx, rollback } = await begin()
        await store.append([plain, addressed], { tx })
        await store.append([oneUse], { tx })
        await store.append([elsewhere], { tx })
        await rollback()
        for (const { tenantId, id } of all) assert.equal(await store.getEvent(tenantId, id), null)
        const { rows } = await store.listDeliveries({ tenant: anyTenant }, { limit: 10 })
        assert.deepEqual(rows, [])
        const { work, nextDueAt } = await claim()
        assert.deepEqual([work.length, nextDueAt], [0, null])
        const { appended } = await store.append(all)
        assert.deepEqual(
          appended.map(({ duplicate }) => duplicate),
          [false, false, false, false],
          'ids and idempotency keys are free',
        )
      },
    },
    {
      name: 'what a transaction that commits has appended is there, all of it, and due',
      must: 'every statement runs in it; all or nothing',
      needs: ['transaction'],
      async run(lab) {
        const { store, begin, claim, record } = lab
        await lab.subscribe()
        const { plain, addressed, oneUse, elsewhere } = eventsOf(lab)
        const { tx, commit } = await begin()
        const calls = [[plain, addressed], [oneUse], [elsewhere]]
        const appended = []
        for (const events of calls) {
          const answer = await store.append(events, { tx })
          assert.deepEqual([...answer.versions.keys()], [...new Set(events.map(({ tenantId }) => tenantId))])
          appended.push(...answer.appended)
        }
        await commit()
        for (const { event, duplicate, work } of appended) {
          assert.deepEqual([duplicate, work], [false, null])
          assert.deepEqual(await store.getEvent(event.tenantId, event.id), event)
        }
        const { work } = await claim()
        assert.deepEqual(
          work.map((one) => one.kind !== 'job' && one.event.id).sort(),
          appended.map(({ event }) => event.id).sort(),
        )
        const owed = work.flatMap((one) => (one.kind === 'delivery' ? [one] : []))
        assert.deepEqual(
          owed.map(({ delivery }) => [delivery.id, delivery.subscriptionId, delivery.destination]).sort(),
          [
            [addressed.addressee?.id, SUBSCRIPTION, null],
            [oneUse.addressee?.id, null, 'sealed'],
          ].sort(),
        )
        for (const one of owed) {
          assert.deepEqual(await store.getDelivery(TENANT, one.delivery.id), one.delivery)
          assert.equal((await record(one, succeeded)).result, 'recorded')
        }
      },
    },
    {
      name: 'a transaction sees duplicates among its own events, and of stored ones',
      must: 'of two with the same (tenant, id) or (tenant, idempotencyKey) the first wins, in a transaction, too',
      needs: ['transaction'],
      async run({ store, event, publish, begin, claimEvents }) {
        const stored = await publish({ idempotencyKey: 'stored' })
        const first = event({ idempotencyKey: 'own' })
        const { tx, commit } = await begin()
        const answer = async (...events: Parameters<typeof store.append>[0]) =>
          (await store.append(events, { tx })).appended.map((one) => [one.event.id, one.duplicate])
        assert.deepEqual(await answer(first, event({ idempotencyKey: 'own' })), [
          [first.id, false],
          [first.id, true],
        ])
        assert.deepEqual(await answer(event({ idempotencyKey: 'own' })), [[first.id, true]])
        assert.deepEqual(await answer(event({ id: first.id })), [[first.id, true]])
        assert.deepEqual(await answer(event({ idempotencyKey: 'stored' })), [[stored.id, true]])
        assert.deepEqual(await answer(event({ id: stored.id })), [[stored.id, true]])
        await commit()
        const ids = (await claimEvents()).map((work) => work.event.id)
        assert.deepEqual(ids.sort(), [stored.id, first.id].sort())
        const { rows } = await store.listEvents({ tenant: TENANT }, { limit: 10 })
        assert.equal(rows.length, 2)
      },
    },
    {
      name: 'where statements run at once, a transaction may commit before append resolves',
      must: 'runsAtOnce: true when a statement in this transaction has run, or failed, before a call returns',
      needs: ['transaction'],
      async run({ store, event, begin }) {
        const { tx, commit } = await begin()
        const atOnce: unknown = store.runsAtOnce?.(tx) ?? false
        assert.equal(typeof atOnce, 'boolean', 'runsAtOnce answers at once, not with a promise')
        const one = event()
        const appending = store.append([one], { tx })
        if (atOnce !== true) await appending
        const committing = commit()
        await Promise.all([appending, committing])
        assert.equal((await store.getEvent(TENANT, one.id))?.id, one.id)
      },
    },
  ],
}
