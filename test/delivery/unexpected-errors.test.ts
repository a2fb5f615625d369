/** An error that nobody has foreseen, in the middle of an attempt, costs one claim: no place, no neighbour and no process. */
import { expect, it } from 'vitest'
import { setup } from '../support/setup.ts'

const acme = { tenantId: 'acme' }

it('an attempt whose outcome cannot be told of frees its place, and its row comes back with its lease', async () => {
  const problems: string[] = []
  const made = setup({
    concurrency: 1,
    concurrencyPerSubscription: 1,
    concurrencyPerOrigin: 1,
    hooks: { problem: ({ during, error }) => problems.push(`${during} ${(error.cause as Error).message}`) },
  })
  const { webhooks, subscribe, clock, store, transport } = made
  const { record } = store
  let isBroken = true
  Object.assign(store, {
    record: async (...given: Parameters<typeof record>) => {
      if (!isBroken) return record(...given)
      isBroken = false
      return given[0].map(() => ({
        get delivery() {
          throw new Error('a bug')
        },
      }))
    },
  })
  await subscribe()
  const started = webhooks.start()
  await clock.advance(1)
  await started
  for (let n = 0; n < 3; n++) {
    const published = webhooks.publish('a', { n }, acme)
    await clock.advance(10)
    await published
  }
  expect(problems).toEqual(['deliver a bug'])
  expect(transport.requests).toHaveLength(3)
  await clock.advance(40_000)
  expect(transport.requests).toHaveLength(4)
  const { items } = await webhooks.attempts.list(acme)
  expect(items.map(({ afterLostClaim }) => afterLostClaim)).toEqual([true, false, false])
  const stopped = webhooks.stop()
  await clock.advance(10_000)
  await stopped
})
