/** Cases: what is there already, where it is easy to get wrong: within a transaction, a call, or a batch of claims. */
import assert from 'node:assert/strict'
import type { NewEvent } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

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
