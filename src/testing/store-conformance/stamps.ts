/** Cases: the order of createdAt and publishedAt, and the caller's transactions. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { TENANT } from './lab.ts'

/** See the file's header. */
export const stampCases: CaseGroup = {
  group: 'stamps and transactions',
  cases: [
    {
      name: 'a subscription is created strictly after every event published before',
      must: 'createdAt: strictly after every publishedAt that was handed out before',
      async run({ publish, subscribe }) {
        for (let n = 0; n < 20; n++) {
          const { publishedAt } = await publish()
          const { createdAt } = await subscribe({ id: `sub-${n}` })
          assert.ok(createdAt > publishedAt, `createdAt ${createdAt} is after publishedAt ${publishedAt}`)
        }
      },
    },
    {
      name: 'an event published after a create matches it',
      must: 'a subscription matches when publishedAt ≥ createdAt; a create that had committed gets the event',
      async run({ publish, subscribe }) {
        for (let n = 0; n < 20; n++) {
          await publish()
          const { createdAt } = await subscribe({ id: `sub-${n}` })
          const { publishedAt } = await publish()
          assert.ok(
            publishedAt >= createdAt,
            `publishedAt ${publishedAt} is not before createdAt ${createdAt}`,
          )
        }
      },
    },
    {
      name: 'an event is due as soon as it is published, right after a create too',
      must: 'dueAt and delayMs absent: due at once',
      async run({ publish, subscribe, claimEvents }) {
        await publish()
        await subscribe()
        await publish()
        assert.equal((await claimEvents()).length, 2)
      },
    },
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
      name: 'an event whose transaction is rolled back was never there',
      must: 'every statement runs in the given transaction',
      needs: ['transaction'],
      async run({ store, publish, begin, claim }) {
        const transaction = await begin()
        const { id } = await publish({ idempotencyKey: 'key' }, { tx: transaction.tx })
        await transaction.rollback()
        assert.equal(await store.getEvent(TENANT, id), null)
        assert.equal((await claim()).work.length, 0)
        const again = await publish({ id: 'again', idempotencyKey: 'key' })
        assert.equal(again.id, 'again', 'its idempotency key is free')
      },
    },
    {
      name: 'an event whose transaction commits is there and due',
      must: 'every statement runs in the given transaction',
      needs: ['transaction'],
      async run({ store, publish, begin, claimEvents }) {
        const transaction = await begin()
        const row = await publish({}, { tx: transaction.tx })
        await transaction.commit()
        assert.deepEqual(await store.getEvent(TENANT, row.id), row)
        const ids = (await claimEvents()).map((work) => work.event.id)
        assert.deepEqual(ids, [row.id])
      },
    },
  ],
}
