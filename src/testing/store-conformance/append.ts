/** Cases: append, its duplicates, due times, appended-already-claimed events and addressees. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { TENANT } from './lab.ts'

/** See the file's header. */
export const appendCases: CaseGroup = {
  group: 'append',
  cases: [
    {
      name: 'append keeps the event as it was given, body byte for byte',
      must: 'the exact text to sign and send',
      async run({ store, event }) {
        const body = '{ "z":1,  "a":"\\u0000 é 😀", "n":1.0 , "a":2}'
        const given = event({
          ...{ body, metadata: { k: 'v' }, settings: { c: ['x'] }, orderingKey: 'o-1', type: 'user.made' },
          ...{ occurredAt: 1_600_000_000_123, test: true, idempotencyKey: 'key' },
        })
        const { appended } = await store.append([given])
        const entry = appended[0]
        assert.ok(entry)
        assert.equal(entry.duplicate, false)
        assert.equal(entry.work, null)
        const { publishedAt, dueAt, sequence } = entry.event
        assert.deepEqual(entry.event, { ...given, publishedAt, dueAt, sequence })
        assert.equal(dueAt, publishedAt)
        assert.deepEqual(await store.getEvent(TENANT, given.id), entry.event)
      },
    },
    {
      name: 'append keeps texts that look like what a statement is made of',
      must: 'any text, in any company: separators, quotes, braces, backslashes, nothing at all',
      async run({ store, event }) {
        const bodies = [
          '',
          '\u001e',
          'a\u001fb',
          '\u001f',
          '{"a":"\\\\"}',
          '{}',
          'NULL',
          '"',
          ',',
          "$1 ? :a '",
        ]
        for (const group of [bodies, ...bodies.map((body) => [body])]) {
          const { appended } = await store.append(group.map((body) => event({ body })))
          for (const [at, body] of group.entries()) {
            const stored = await store.getEvent(TENANT, appended[at]?.event.id ?? '')
            assert.equal(stored?.body, body)
          }
        }
      },
    },
    {
      name: 'append answers one entry per event, in order, with growing sequences',
      must: 'returns one entry per event, in order',
      async run({ store, event }) {
        const given = ['c', 'a', 'b'].map((id) => event({ id }))
        const { appended, versions } = await store.append(given)
        assert.deepEqual(
          appended.map((entry) => entry.event.id),
          ['c', 'a', 'b'],
        )
        assert.ok(versions.has(TENANT), 'versions names the tenant')
        assert.equal(new Set(appended.map((entry) => entry.event.sequence)).size, 3)
      },
    },
    {
      name: 'an event with a known id is a duplicate and stores nothing',
      must: 'of two with the same (tenant, id) the first wins',
      async run({ store, event, publish, claimEvents }) {
        const first = await publish({ id: 'same', body: '1' })
        const { appended } = await store.append([event({ id: 'same', body: '2' })])
        assert.equal(appended[0]?.duplicate, true)
        assert.deepEqual(appended[0]?.event, first)
        assert.equal((await claimEvents()).length, 1, 'one queue row')
      },
    },
    {
      name: 'an event with a known idempotency key is a duplicate, whatever its id',
      must: 'an idempotency key also wins over a different id',
      async run({ store, event, publish, claimEvents }) {
        const first = await publish({ id: 'first', idempotencyKey: 'key' })
        const { appended } = await store.append([event({ id: 'second', idempotencyKey: 'key' })])
        assert.equal(appended[0]?.duplicate, true)
        assert.deepEqual(appended[0]?.event, first)
        assert.equal(await store.getEvent(TENANT, 'second'), null)
        assert.equal((await claimEvents()).length, 1, 'one queue row')
      },
    },
    {
      name: 'where one event has the id and another has the key, the key wins',
      must: 'an idempotency key also wins over a different id',
      async run({ store, event, publish, claimEvents }) {
        await publish({ id: 'of-the-id' })
        const keyed = await publish({ id: 'of-the-key', idempotencyKey: 'key' })
        const { appended } = await store.append([event({ id: 'of-the-id', idempotencyKey: 'key' })])
        assert.equal(appended[0]?.duplicate, true)
        assert.equal(appended[0]?.event.id, keyed.id)
        assert.equal((await claimEvents()).length, 2)
      },
    },
    {
      name: 'duplicates within one call are found',
      must: 'the first wins, also within one call',
      async run({ store, event, claimEvents }) {
        const { appended } = await store.append([
          event({ id: 'a', idempotencyKey: 'key', body: '1' }),
          event({ id: 'b', idempotencyKey: 'key', body: '2' }),
          event({ id: 'a', body: '3' }),
          event({ id: 'c' }),
        ])
        assert.deepEqual(
          appended.map((entry) => [entry.event.id, entry.event.body, entry.duplicate]),
          [
            ['a', '1', false],
            ['a', '1', true],
            ['a', '1', true],
            ['c', '{"n":1}', false],
          ],
        )
        assert.equal((await claimEvents()).length, 2)
      },
    },
    {
      name: 'the key of a stored event wins over the id of an earlier event of the call',
      must: 'an idempotency key also wins over a different id',
      async run({ store, event, publish }) {
        await publish({ id: 'stored', idempotencyKey: 'key' })
        const { appended } = await store.append([
          event({ id: 'a' }),
          event({ id: 'a', idempotencyKey: 'key' }),
          event({ id: 'a', idempotencyKey: 'other' }),
          event({ id: 'b', idempotencyKey: 'other' }),
        ])
        assert.deepEqual(
          appended.map((entry) => [entry.event.id, entry.duplicate]),
          [
            ['a', false],
            ['stored', true],
            ['a', true],
            ['b', false],
          ],
        )
      },
    },
    {
      name: 'of concurrent duplicates by key, one is stored',
      must: 'the first wins, also between concurrent calls',
      async run({ publish, store, event, claimEvents }) {
        await publish({ id: 'unrelated', tenantId: 'other' })
        const results = await Promise.all(
          Array.from({ length: 12 }, (_, n) =>
            store.append([event({ id: `evt-${n}`, idempotencyKey: 'key' })]),
          ),
        )
        const entries = results.flatMap((result) => result.appended)
        assert.equal(entries.filter((entry) => !entry.duplicate).length, 1)
        assert.equal(new Set(entries.map((entry) => entry.event.id)).size, 1)
        const claimed = await claimEvents()
        assert.equal(claimed.filter((work) => work.tenantId === TENANT).length, 1)
      },
    },
    {
      name: 'of concurrent duplicates by id, one is stored',
      must: 'the first wins, also between concurrent calls',
      async run({ store, event, claimEvents }) {
        const results = await Promise.all(
          Array.from({ length: 12 }, () => store.append([event({ id: 'same' })])),
        )
        const entries = results.flatMap((result) => result.appended)
        assert.equal(entries.filter((entry) => !entry.duplicate).length, 1)
        assert.equal((await claimEvents()).length, 1)
      },
    },
    {
      name: 'ids and idempotency keys of two tenants do not meet',
      must: 'same (tenant, id) or (tenant, idempotencyKey)',
      async run({ store, event }) {
        const both = ['acme', 'other'].map((tenantId) =>
          event({ tenantId, id: 'same', idempotencyKey: 'key', body: tenantId }),
        )
        const { appended } = await store.append(both)
        assert.deepEqual(
          appended.map((entry) => entry.duplicate),
          [false, false],
        )
        assert.equal((await store.getEvent('other', 'same'))?.body, 'other')
      },
    },
    {
      name: 'a skipped event is stored, and is owed to nobody',
      must: 'one queue row each (none for skipped ones)',
      async run({ store, publish, claim }) {
        const row = await publish({ skipped: true })
        assert.deepEqual(await store.getEvent(TENANT, row.id), row)
        assert.equal((await claim()).work.length, 0)
      },
    },
    {
      name: 'a delayed event is due later, never before it was published',
      must: 'due at this instant (never before the millisecond of publishedAt), or this much after it',
      needs: ['clock'],
      async run({ store, publish, claimEvents, advance }) {
        const now = await store.now()
        const late = await publish({ id: 'late', delayMs: 5000 })
        assert.equal(Math.floor(late.dueAt), Math.floor(late.publishedAt) + 5000)
        const at = await publish({ id: 'at', dueAt: now + 9000 })
        assert.equal(at.dueAt, now + 9000)
        const past = await publish({ id: 'past', dueAt: now - 9000 })
        assert.equal(Math.floor(past.dueAt), Math.floor(past.publishedAt))
        const ids = async () => (await claimEvents()).map((work) => work.event.id)
        assert.deepEqual(await ids(), ['past'])
        await advance(5001)
        assert.deepEqual(await ids(), ['late'])
        await advance(4000)
        assert.deepEqual(await ids(), ['at'])
      },
    },
    {
      name: 'append claims the first events for its worker, as far as there is room',
      must: 'append due events already claimed by this worker, the first room of them',
      async run({ store, event, claimEvents }) {
        const claim = { token: 'mine', leaseMs: 30_000, room: 2 }
        const given = ['a', 'b', 'c'].map((id) => event({ id }))
        const { appended } = await store.append(given, { claim })
        assert.deepEqual(
          appended.map((entry) => entry.work?.claim.token),
          ['mine', 'mine', undefined],
        )
        const work = appended[0]?.work
        assert.ok(work?.kind === 'event')
        assert.equal(work.resumed, false)
        assert.deepEqual(work.event, appended[0]?.event)
        const none = await store.append([event({ id: 'd' })], { claim: { ...claim, room: 0 } })
        assert.equal(none.appended[0]?.work, null)
        const left = await claimEvents()
        assert.deepEqual(
          left.map((row) => row.event.id),
          ['c', 'd'],
        )
      },
    },
    {
      name: 'append claims neither delayed, skipped nor duplicate events',
      must: 'append due events already claimed',
      async run({ store, event, publish }) {
        await publish({ id: 'known' })
        const claim = { token: 'mine', leaseMs: 30_000, room: 9 }
        const given = [event({ id: 'known' }), event({ delayMs: 60_000 }), event({ skipped: true }), event()]
        const { appended } = await store.append(given, { claim })
        assert.deepEqual(
          appended.map((entry) => entry.work !== null),
          [false, false, false, true],
        )
      },
    },
    {
      name: 'an event with an addressee has its delivery at once, and no fan-out',
      must: 'a delivery row and its queue row for one with an addressee',
      async run({ publish, newDelivery, claim, delivery }) {
        const addressee = newDelivery({ subscriptionId: null, destination: 'sealed', maxAgeMs: 1000 })
        const row = await publish({ addressee })
        const stored = await delivery(addressee.id)
        assert.equal(stored.state, 'pending')
        assert.equal(stored.destination, 'sealed')
        assert.equal(stored.attemptCount, 0)
        assert.equal(stored.expiresAt, row.dueAt + 1000)
        const { work } = await claim()
        assert.deepEqual(
          work.map((item) => item.kind),
          ['delivery'],
        )
      },
    },
    {
      name: 'what append was given is not shared with the store',
      must: 'arguments are never changed and results are never shared with the store',
      async run({ store, event }) {
        const metadata: Record<string, string> = { k: 'v' }
        const given = Object.freeze(event({ id: 'mine', metadata }))
        const { appended } = await store.append(Object.freeze([given]))
        metadata.k = 'changed by the caller'
        // Frozen results are as good as copies: then nothing is set here.
        Reflect.set(appended[0]?.event ?? {}, 'type', 'changed.too')
        const stored = await store.getEvent(TENANT, 'mine')
        assert.equal(stored?.metadata.k, 'v')
        assert.equal(stored?.type, 'order.paid')
      },
    },
  ],
}
