/** Cases: record with a live claim. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, heldAlways, SUBSCRIPTION, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const recordCases: CaseGroup = {
  group: 'record',
  cases: [
    {
      name: 'a first success stores the delivery and attempt 1',
      must: 'inserts the delivery, adds the attempt with the next number, applies next',
      async run({ subscribe, publishClaimed, outcome, recordOne, delivery, attemptsOf, store }) {
        await subscribe()
        const work = await publishClaimed()
        const startedAt = 1_600_000_000_123
        const told = await outcome(work, succeeded, { attempt: { status: 204, startedAt, durationMs: 17 } })
        const { result, delivery: row, attempt } = await recordOne(told)
        assert.equal(result, 'recorded')
        assert.ok(row && attempt)
        const { tenantId, id: eventId, type: eventType } = work.event
        const owner = { tenantId, eventId, eventType, deliveryId: row.id, subscriptionId: SUBSCRIPTION }
        assert.deepEqual(attempt, { ...told.attempt, ...owner, number: 1, late: false })
        assert.deepEqual(
          [row.state, row.reason, row.attemptCount, row.lastStatus, row.lastFailure, row.nextAttemptAt],
          ['succeeded', null, 1, 204, null, null],
        )
        assert.equal(typeof row.endedAt, 'number')
        assert.deepEqual([row.eventId, row.eventType], [work.event.id, 'order.paid'])
        assert.deepEqual([attempt.number, attempt.late, attempt.deliveryId], [1, false, row.id])
        assert.deepEqual(await delivery(row.id), row)
        assert.deepEqual(await store.getDelivery(TENANT, row.number), row)
        assert.deepEqual(await attemptsOf(row.id), [attempt])
      },
    },
    {
      name: 'a pending delivery is due after its delay, with its trigger',
      must: "pending: due again delayMs after the store's now",
      needs: ['clock'],
      async run({ subscribe, deliver, claimDeliveries, advance, store }) {
        await subscribe()
        const now = await store.now()
        const row = await deliver({ next: { state: 'pending', delayMs: 5000, trigger: 'retry' } })
        assert.deepEqual([row.state, row.endedAt, row.attemptCount], ['pending', null, 1])
        assert.ok(Math.abs(Number(row.nextAttemptAt) - (now + 5000)) < 10)
        await advance(4900)
        assert.equal((await claimDeliveries()).length, 0)
        await advance(200)
        const [work] = await claimDeliveries()
        assert.equal(work?.delivery.id, row.id)
        assert.equal(work?.trigger, 'retry')
      },
    },
    {
      name: 'attempts are numbered 1..n over all claims of a delivery',
      must: 'adds the attempt with the next number',
      async run({ subscribe, deliver, claimDelivery, record, attemptsOf, delivery }) {
        await subscribe()
        const { id } = await deliver()
        for (let n = 2; n <= 4; n++) {
          // For what is claimed its id decides, whatever else the outcome says of the delivery.
          const parts = n === 3 ? { subscriptionId: 'another' } : {}
          const recorded = await record(await claimDelivery(id), n === 4 ? exhausted : dueNow, parts)
          assert.equal(recorded.delivery?.id, id)
          assert.equal(recorded.attempt?.number, n)
          assert.equal(recorded.delivery?.attemptCount, n)
        }
        assert.deepEqual(
          (await attemptsOf(id)).map((attempt) => attempt.number),
          [1, 2, 3, 4],
        )
        const row = await delivery(id)
        assert.deepEqual([row.state, row.reason, row.lastStatus], ['failed', 'exhausted', 500])
      },
    },
    {
      name: 'an ended delivery has no queue row',
      must: 'for a DeliveryWork removes or re-dates the queue row',
      async run({ subscribe, deliver, claimDelivery, record, claim }) {
        await subscribe()
        const { id } = await deliver()
        await record(await claimDelivery(id), succeeded)
        const left = await claim()
        assert.deepEqual([left.work.length, left.nextDueAt], [0, null])
      },
    },
    {
      name: 'an event row stays claimed until finish, whatever was recorded of it',
      must: "an EventWork's queue row stays until finish",
      async run({ subscribe, publishClaimed, record, store, claim }) {
        await subscribe()
        const work = await publishClaimed()
        await record(work, succeeded)
        assert.equal((await claim()).work.length, 0)
        assert.equal(await store.finish([work.claim]), 1)
        assert.equal((await claim()).nextDueAt, null)
      },
    },
    {
      name: 'a repeated attempt id changes nothing',
      must: 'a repeated attempt id changes nothing, and is answered with the row that is there',
      async run({ subscribe, deliver, claimDelivery, outcome, recordOne, delivery, attemptsOf }) {
        await subscribe()
        const { id } = await deliver()
        const once = await outcome(await claimDelivery(id), dueNow)
        const { result, attempt } = await recordOne(once)
        assert.equal(result, 'recorded')
        const before = await delivery(id)
        const repeated = { result: 'repeated', delivery: before, attempt }
        assert.deepEqual(await recordOne(once), repeated)
        const told = once.attempt && { ...once.attempt, status: 418, message: 'told anew' }
        assert.deepEqual(await recordOne({ ...once, next: exhausted, attempt: told }), repeated)
        assert.deepEqual(await delivery(id), before)
        assert.equal((await attemptsOf(id)).length, 2)
      },
    },
    {
      name: 'a repeated outcome without an attempt changes nothing',
      must: 'repeated: without an attempt, this delivery was recorded before; nothing changed',
      async run({ subscribe, publishClaimed, outcome, recordOne, delivery }) {
        await subscribe({ state: 'paused' })
        const once = await outcome(await publishClaimed(), heldAlways, { attempt: null })
        assert.equal((await recordOne(once)).result, 'recorded')
        const before = await delivery(once.delivery.id)
        assert.equal((await recordOne(once)).result, 'repeated')
        assert.deepEqual(await delivery(once.delivery.id), before)
      },
    },
    {
      name: 'of concurrent records of one attempt, one is applied',
      must: "each is checked on its own, under its row's lock",
      async run({ subscribe, publishClaimed, outcome, recordOne, attemptsOf }) {
        await subscribe()
        const once = await outcome(await publishClaimed(), dueNow)
        const results = await Promise.all(Array.from({ length: 6 }, () => recordOne(once)))
        assert.equal(results.filter(({ result }) => result === 'recorded').length, 1)
        assert.equal((await attemptsOf(once.delivery.id)).length, 1)
      },
    },
    {
      name: 'an event has at most one delivery per subscription',
      must: 'inserts the delivery if the event has none for this subscription',
      async run({ subscribe, publishClaimed, record, store }) {
        await subscribe()
        const work = await publishClaimed()
        await record(work, succeeded)
        await record(work, succeeded)
        const filter = { tenant: TENANT, eventId: work.event.id }
        assert.equal((await store.listDeliveries(filter, { limit: 10 })).rows.length, 1)
      },
    },
    {
      name: 'outcomes are checked one by one and answered in order',
      must: 'each is checked on its own; one result each, in order',
      async run({ subscribe, publishClaimed, outcome, store }) {
        for (const id of ['sub-a', 'sub-b', 'sub-c']) await subscribe({ id })
        const work = await publishClaimed()
        const good = await outcome(work, succeeded, { subscriptionId: 'sub-a' })
        const lost = await outcome(work, exhausted, { subscriptionId: 'sub-b', token: 'forged' })
        const last = await outcome(work, exhausted, { subscriptionId: 'sub-c' })
        const results = await store.record([good, lost, good, last])
        assert.deepEqual(
          results.map(({ result }) => result),
          ['recorded', 'late', 'repeated', 'recorded'],
        )
        assert.equal(results[3]?.delivery?.id, last.delivery.id)
      },
    },
    {
      name: 'nothing is inserted for a subscription that was deleted meanwhile',
      must: 'gone: the event or subscription was deleted meanwhile; nothing was inserted',
      async run({ subscribe, publishClaimed, record, store }) {
        await subscribe()
        const work = await publishClaimed()
        await store.deleteSubscription(TENANT, SUBSCRIPTION)
        const recorded = await record(work, succeeded)
        assert.deepEqual(recorded, { result: 'gone', delivery: null, attempt: null })
        const { rows } = await store.listDeliveries({ tenant: TENANT }, { limit: 10 })
        assert.equal(rows.length, 0)
      },
    },
    {
      name: 'a delivery keeps what it was made with',
      must: "its own body and headers; maximum age, counted from the event's dueAt",
      async run({ subscribe, deliver, delivery, store }) {
        await subscribe()
        const own = { body: '{"own":1}', headers: { 'x-own': '1' }, test: true, maxAgeMs: 7000 }
        const { id, eventId } = await deliver({ delivery: own })
        const row = await delivery(id)
        const event = await store.getEvent(TENANT, eventId)
        assert.deepEqual([row.body, row.headers, row.test], [own.body, own.headers, true])
        assert.equal(row.expiresAt, Number(event?.dueAt) + 7000)
        assert.equal(row.roundStart, 0)
      },
    },
    {
      name: 'a one-use destination is erased when its delivery ends',
      must: 'the sealed one-use destination; erased (null) when the delivery ends',
      async run({ publish, newDelivery, claimDelivery, record }) {
        const addressee = newDelivery({ subscriptionId: null, destination: 'sealed' })
        await publish({ addressee })
        const delivery = { subscriptionId: null, destination: 'sealed' }
        const retried = await record(await claimDelivery(addressee.id), dueNow, { delivery })
        assert.equal(retried.delivery?.destination, 'sealed')
        const ended = await record(await claimDelivery(addressee.id), exhausted, { delivery })
        assert.equal(ended.delivery?.destination, null)
      },
    },
    {
      name: 'held is honoured only while the subscription is not active, or always',
      must: 'a store honours it only while the subscription is not active or always is set: else it is due at once',
      async run({ subscribe, deliver }) {
        await subscribe({ id: 'on' })
        await subscribe({ id: 'off', state: 'paused' })
        const next = { state: 'held', always: false, trigger: 'event' } as const
        const on = await deliver({ subscriptionId: 'on', next, attempt: null })
        const off = await deliver({ subscriptionId: 'off', next, attempt: null })
        const always = await deliver({ subscriptionId: 'on', next: heldAlways, attempt: null })
        assert.deepEqual([on.held, off.held, always.held], [false, true, true])
        assert.equal(off.nextAttemptAt, null)
        assert.equal(typeof on.nextAttemptAt, 'number')
      },
    },
  ],
}
