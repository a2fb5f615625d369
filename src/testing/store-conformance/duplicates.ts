/** Cases: what is there already, where it is easy to get wrong: within a transaction, a call, or a batch of claims. */
import assert from 'node:assert/strict'
import type { NewEvent } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const duplicateCases: CaseGroup = {
  group: 'duplicates',
  cases: [
    {
      name: 'in a transaction, too, the key of an event of its own wins over the id of a stored one',
      must: 'an idempotency key also wins over a different id, and over an event that has the id',
      needs: ['transaction'],
      async run({ store, event, publish, begin }) {
        await publish({ id: 'stored' })
        const { tx, commit } = await begin()
        await store.append([event({ id: 'own', idempotencyKey: 'key' })], { tx })
        const { appended } = await store.append([event({ id: 'stored', idempotencyKey: 'key' })], { tx })
        await commit()
        assert.equal(appended[0]?.duplicate, true)
        assert.equal(appended[0]?.event.id, 'own')
      },
    },
    {
      name: 'append claims no more than it has room for, whatever is a duplicate of what',
      must: 'append due events already claimed by this worker, `room` at most',
      async run({ store, event, publish }) {
        await publish({ id: 'stored', idempotencyKey: 'key' })
        const claim = { token: 'mine', leaseMs: 30_000, room: 1 }
        const given = [event({ id: 'a', idempotencyKey: 'key' }), event({ id: 'a' }), event({ id: 'b' })]
        const { appended } = await store.append(given, { claim })
        assert.deepEqual(
          appended.map((entry) => entry.duplicate),
          [true, false, false],
        )
        assert.equal(appended.filter((entry) => entry.work !== null).length, 1)
      },
    },
    {
      name: 'a delivery id that is taken rejects the append, and nothing of it is stored',
      must: 'a delivery id of an addressee that the tenant has already rejects the call, which then has stored nothing',
      async run({ store, event, subscribe, deliver, newDelivery, delivery, claim }) {
        await subscribe()
        const first = await deliver({ next: succeeded })
        const again = newDelivery({ id: first.id, subscriptionId: null, destination: 'another' })
        const given = [event({ id: 'before' }), event({ id: 'taken', addressee: again })]
        await assert.rejects(async () => store.append(given))
        for (const id of ['before', 'taken']) assert.equal(await store.getEvent(TENANT, id), null)
        assert.deepEqual(await delivery(first.id), first)
        assert.deepEqual((await claim()).work, [])
      },
    },
    {
      name: 'an outcome that needs a new delivery under an id that is taken inserts nothing',
      must: 'taken: it needs a new delivery, and another one of the tenant has its id; nothing was inserted',
      async run({ store, subscribe, publishClaimed, deliver, outcome, recordOne, delivery, attemptsOf }) {
        await subscribe()
        await subscribe({ id: 'other' })
        const first = await deliver({ next: succeeded })
        const waiting = await deliver({ subscriptionId: 'other' })
        const nothing = { result: 'taken', delivery: null, attempt: null }
        const work = await publishClaimed()
        for (const { id } of [first, waiting]) {
          for (const next of [succeeded, dueNow, exhausted]) {
            const told = await outcome(work, next, { delivery: { id } })
            assert.deepEqual(await recordOne({ ...told, last: true }), nothing)
          }
        }
        for (const row of [first, waiting]) {
          assert.deepEqual(await delivery(row.id), row)
          assert.equal((await attemptsOf(row.id)).length, 1)
        }
        const { rows } = await store.listDeliveries({ tenant: TENANT, eventId: work.event.id }, { limit: 10 })
        assert.deepEqual(rows, [])
        assert.equal((await recordOne(await outcome(work, succeeded))).result, 'recorded')
        assert.equal(await store.finish([work.claim]), 1)
      },
    },
    {
      name: 'of a batch that gives one id to several deliveries the first has it, of two tenants both',
      must: "for an EventWork a delivery of that id counts only if it is the event's for this subscription, else the id is taken",
      async run({ store, subscribe, publishClaimed, outcome, delivery }) {
        for (const id of [SUBSCRIPTION, 'other']) await subscribe({ id })
        await subscribe({ tenantId: 'else' })
        const work = await publishClaimed()
        const [next, elsewhere] = [await publishClaimed(), await publishClaimed({ tenantId: 'else' })]
        const one = { delivery: { id: 'one' } }
        const outcomes = [
          await outcome(work, succeeded, one),
          await outcome(work, succeeded, { subscriptionId: 'other', ...one }),
          await outcome(next, dueNow, one),
          await outcome(elsewhere, succeeded, one),
          await outcome(next, succeeded),
        ]
        const recorded = await store.record(outcomes)
        assert.deepEqual(
          recorded.map(({ result }) => result),
          ['recorded', 'taken', 'taken', 'recorded', 'recorded'],
        )
        const { eventId, subscriptionId, attemptCount } = await delivery('one')
        assert.deepEqual([eventId, subscriptionId, attemptCount], [work.event.id, SUBSCRIPTION, 1])
        assert.equal((await delivery('one', 'else')).eventId, elsewhere.event.id)
      },
    },
    {
      name: 'two addressees of one call cannot have one delivery id, those of two tenants can',
      must: 'a delivery id of an addressee that the tenant has already rejects the call',
      async run({ store, event, newDelivery, delivery }) {
        const to = (tenantId: string, id: string): NewEvent =>
          event({
            tenantId,
            id,
            addressee: newDelivery({ id: 'one', subscriptionId: null, destination: id }),
          })
        await assert.rejects(async () => store.append([to(TENANT, 'a'), to(TENANT, 'b')]))
        for (const id of ['a', 'b']) assert.equal(await store.getEvent(TENANT, id), null)
        await store.append([to(TENANT, 'c'), to('other', 'd')])
        assert.equal((await delivery('one')).eventId, 'c')
        assert.equal((await delivery('one', 'other')).eventId, 'd')
      },
    },
    {
      name: 'an event that is a duplicate brings no addressee, so that a retry of a publish is no conflict',
      must: 'of two with the same (tenant, id) or (tenant, idempotencyKey) the first wins',
      async run({ store, event, newDelivery, delivery }) {
        const addressee = newDelivery({ subscriptionId: SUBSCRIPTION })
        const given = event({ id: 'same', addressee })
        const first = await store.append([given, given])
        const again = await store.append([given])
        assert.deepEqual(
          [...first.appended, ...again.appended].map((entry) => entry.duplicate),
          [false, true, true],
        )
        assert.equal((await delivery(addressee.id)).eventId, 'same')
      },
    },
  ],
}
