/** Cases: the order of createdAt and publishedAt. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'

/** See the file's header. */
export const stampCases: CaseGroup = {
  group: 'stamps',
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
  ],
}
