/** Cases: how many rows a call may be about: none, and more than a thousand. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, heldAlways, SUBSCRIPTION, TENANT } from './lab.ts'

/** More than the longest page that the engine asks for, 1,001 rows. */
const MANY = 1_002
const LEASED = { limit: 2 * MANY, perTenant: 2 * MANY, perSubscription: 2 * MANY }

/** See the file's header. */
export const batchCases: CaseGroup = {
  group: 'batches',
  cases: [
    {
      name: 'a call about nothing does nothing',
      must: 'it rejects only when the store itself fails',
      async run({ store }) {
        assert.deepEqual((await store.append([])).appended, [])
        assert.deepEqual(await store.record([]), [])
        assert.deepEqual(await store.replay(TENANT, []), [])
        for (const operation of ['finish', 'handBack', 'leaveOrder', 'replaceDestinations'] as const)
          assert.equal(await store[operation]([]), 0, operation)
        await store.addRollups([])
        const none = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 0, ordering: 'none' } as const
        assert.deepEqual(await store.release(none), { released: 0, more: false, nextAt: null })
        assert.equal(await store.eraseTenant('none', 1), true, 'nothing is left of what never was')
      },
    },
    {
      name: 'a call may be about a thousand rows, and answers all of them',
      must: 'one entry per event, in order; rows at most: the engine passes 1 to 1,001; at most `limit`',
      async run({ store, event, newDelivery, subscribe, claim, outcome }) {
        await subscribe()
        const given = Array.from({ length: MANY }, () => event({ addressee: newDelivery() }))
        const { appended } = await store.append(given)
        const ids = given.map(({ id }) => id)
        assert.deepEqual(
          appended.map((one) => one.event.id),
          ids,
        )
        const sizeOf = async (list: 'listEvents' | 'listDeliveries' | 'listAttempts') =>
          (await store[list]({ tenant: TENANT }, { limit: MANY - 1 })).rows.length
        assert.deepEqual([await sizeOf('listEvents'), await sizeOf('listDeliveries')], [MANY - 1, MANY - 1])
        const { work } = await claim(LEASED)
        const deliveries = work.flatMap((one) => (one.kind === 'delivery' ? [one] : []))
        assert.equal(deliveries.length, MANY)
        const [first] = deliveries
        assert.ok(first)
        const usual = await outcome(first, dueNow)
        const told = deliveries.map(({ claim: held, event: { id: eventId }, delivery: { id } }, at) => ({
          ...{ ...usual, claim: held, eventId, delivery: { ...usual.delivery, id } },
          attempt: usual.attempt && { ...usual.attempt, id: `att of ${id}` },
          next: at % 2 === 0 ? dueNow : heldAlways,
        }))
        const results = await store.record(told)
        assert.deepEqual(
          results.map(({ delivery }) => delivery?.id),
          told.map(({ delivery }) => delivery.id),
        )
        assert.equal(await sizeOf('listAttempts'), MANY - 1)
        assert.equal(await store.hold(TENANT, SUBSCRIPTION, MANY), MANY / 2)
        assert.equal((await store.backlog({ tenant: TENANT })).held, MANY)
        const lane = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: MANY - 1 } as const
        const { released, more } = await store.release({ ...lane, ordering: 'none' })
        assert.deepEqual([released, more], [MANY - 1, true])
        const again = (await claim(LEASED)).work.map((one) => ({ claim: one.claim, delayMs: 0 }))
        assert.equal(await store.handBack(again), MANY - 1)
        assert.equal((await store.cancel({ tenantId: TENANT }, MANY - 1)).length, MANY - 1)
        const deleted = await store.deleteSubscription(TENANT, SUBSCRIPTION)
        assert.equal(deleted?.cancelled.length, 1, 'the last one')
      },
    },
    {
      name: 'a long line of one key keeps no other key waiting, however many there are',
      must: 'only rows with no open row of a lower position in their (subscription) or (subscription, key)',
      async run({ store, subscribe, event, newDelivery, claim }) {
        await subscribe()
        const append = (keys: readonly (string | null)[]) =>
          store.append(keys.map((orderingKey) => event({ orderingKey, addressee: newDelivery() })))
        const lane = { tenantId: TENANT, subscriptionId: SUBSCRIPTION, limit: 500, ordering: 'key' } as const
        const firstOf = async (count: number) => {
          const due = { released: count, more: true, nextAt: null }
          assert.deepEqual(await store.release(lane), due)
          assert.deepEqual(await store.release(lane), { ...due, released: 0 }, 'each line has an open row')
        }
        await append([...Array.from({ length: MANY }, () => 'long'), 'other', 'other'])
        assert.equal(await store.hold(TENANT, SUBSCRIPTION, 2 * MANY), MANY + 2)
        await firstOf(2)
        const others = Array.from({ length: 140 }, (_, at) => `key ${at}`)
        await append([...others, null, ...others, null])
        await store.hold(TENANT, SUBSCRIPTION, 2 * MANY)
        await firstOf(2 + others.length + 2)
        const { work } = await claim(LEASED)
        const keys = work.map((one) => (one.kind === 'delivery' ? one.event.orderingKey : null))
        assert.deepEqual(new Set(keys), new Set(['long', 'other', null, ...others]))
      },
    },
    {
      name: 'a page of jobs, and an exchange of destinations, may be longer than a hundred',
      must: 'rows at most: the engine passes 1 to 1,001',
      async run({ store, event, newDelivery }) {
        const count = 120
        for (let job = 0; job < count; job += 1) await store.addJob(TENANT, { state: 'running' })
        const jobs = await store.listJobs({ tenant: TENANT }, { limit: 1_000 })
        assert.equal(jobs.rows.length, count)
        await store.append(
          Array.from({ length: count }, () =>
            event({ addressee: newDelivery({ subscriptionId: null, destination: 'sealed' }) }),
          ),
        )
        const { destinations } = await store.listDestinations({ after: null, limit: 1_000 })
        assert.equal(destinations.length, count)
        const changes = destinations.map(({ tenantId, deliveryId, destination }) => ({
          ...{ tenantId, deliveryId, from: destination, to: `anew ${deliveryId}` },
        }))
        assert.equal(await store.replaceDestinations(changes), count)
        const changed = await store.listDestinations({ after: null, limit: 1_000 })
        assert.deepEqual(
          changed.destinations.map(({ destination }) => destination).sort(),
          changes.map(({ to }) => to).sort(),
        )
      },
    },
    {
      name: 'a fan-out may go to more subscriptions than a hundred',
      must: 'the subscription ids in the range, in byte order; cancels its pending deliveries',
      async run(lab) {
        const { store, subscribe, publishClaimed, outcome, event, claimEvents, newDelivery } = lab
        const { hasClock, advance } = lab
        const ids = Array.from({ length: 120 }, (_, at) => `sub-${String(at).padStart(3, '0')}`)
        await Promise.all(ids.map((id) => subscribe({ id })))
        const { subscriptions } = await store.snapshot(TENANT, { after: null, upTo: null, limit: 1_000 })
        assert.deepEqual(
          subscriptions.map(({ id }) => id),
          ids,
        )
        const listed = await store.listSubscriptions({ tenant: TENANT }, { limit: 1_000 })
        assert.equal(listed.rows.length, 120)
        const work = await publishClaimed()
        const told = await Promise.all(
          ids.map((subscriptionId) => outcome(work, heldAlways, { subscriptionId, attempt: null })),
        )
        await store.record(told)
        assert.deepEqual(await store.expanded(TENANT, work.event.id, { after: null, upTo: null }), ids)
        assert.equal((await store.listHeld({ after: null, limit: 1_000 })).length, 120)
        await store.finish([work.claim])
        const first = ids[0] ?? ''
        await store.append(
          Array.from({ length: 119 }, () => event({ addressee: newDelivery({ subscriptionId: first }) })),
        )
        const deleted = await store.deleteSubscription(TENANT, first)
        assert.equal(deleted?.cancelled.length, 120)
        const { appended } = await store.append(ids.map(() => event()))
        assert.equal(await store.finish((await claimEvents({ limit: 200 })).map(({ claim }) => claim)), 120)
        const entries = appended.map((one) => ({
          eventId: one.event.id,
          delivery: newDelivery({ subscriptionId: ids[1] ?? '', maxAgeMs: 1_000 }),
        }))
        const replayed = await store.replay(TENANT, entries)
        assert.deepEqual(
          replayed.map((one) => one !== null && typeof one === 'object' && one.id),
          entries.map(({ delivery }) => delivery.id),
        )
        if (hasClock) {
          await advance(1_000)
          assert.equal((await store.expire(1_000)).length, 120)
          const ended = await store.listDeliveries(
            { tenant: TENANT, state: 'failed' },
            { limit: 1_000, total: true },
          )
          assert.deepEqual([ended.rows.length, ended.total], [120, 120])
          assert.equal((await store.prune({ finishedAgeMs: 0, limit: 120 })).events, 120)
        }
        const at = { eventType: 'order.paid', bucketMs: 60_000, bucketAt: 0, slot: 'w', histogram: [] }
        const sums = ids.map((subscriptionId) => ({
          ...at,
          tenantId: TENANT,
          subscriptionId,
          counters: { sent: 1 },
        }))
        await store.addRollups(sums)
        const read = await store.readRollups({ tenant: anyTenant, bucketMs: 60_000, since: 0, until: 1 })
        assert.equal(read.length, 120)
      },
    },
  ],
}
