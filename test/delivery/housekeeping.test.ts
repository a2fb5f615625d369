/** Housekeeping that fails is told of, each step by its own name, and keeps nobody from delivering. */
import { expect, it } from 'vitest'
import { setup } from '../support/setup.ts'

const STEPS = [
  ['clock', 'now'],
  ['expire', 'expire'],
  ['release', 'listHeld'],
  ['prune', 'prune'],
  ['prune', 'pruneRollups'],
] as const

/** A sender whose store fails in one step of its housekeeping. */
async function failing(operation: (typeof STEPS)[number][1]) {
  const problems: string[] = []
  const made = setup({ hooks: { problem: ({ during }) => problems.push(during) } })
  await made.subscribe()
  const state = { failed: 0 }
  Object.assign(made.store, {
    async [operation]() {
      state.failed += 1
      throw new Error('canceling statement due to statement timeout')
    },
  })
  return { ...made, problems, state }
}

it.each(STEPS)('a %s that fails (%s) stops no tick', async (during, operation) => {
  const { webhooks, transport, problems, state } = await failing(operation)
  for (let sent = 1; sent <= 3; sent++) {
    await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
    await webhooks.tick({ budgetMs: 20_000 })
    expect(transport.requests).toHaveLength(sent)
  }
  expect(state.failed).toBeGreaterThan(0)
  expect(problems).toEqual(Array(state.failed).fill(during))
})

it.each(STEPS)('a %s that fails (%s) costs the loop no claim', async (during, operation) => {
  const { webhooks, transport, problems, state, clock } = await failing(operation)
  await webhooks.start()
  await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  await clock.advance(0)
  expect(transport.requests).toHaveLength(1)
  await clock.advance(610_000)
  expect(state.failed).toBeGreaterThan(0)
  expect(problems).toEqual(Array(state.failed).fill(during))
  await webhooks.stop()
})

it('a tick delivers before it prunes, and leaves a prune that is slow at the end of its budget', async () => {
  const { webhooks, store, transport, subscribe, clock } = setup()
  await subscribe()
  await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  const sentBefore: number[] = []
  store.prune = () => {
    sentBefore.push(transport.requests.length)
    return new Promise(() => undefined)
  }
  let ended = false
  const ticking = webhooks.tick({ budgetMs: 10_000 }).then(() => {
    ended = true
  })
  await clock.advance(9_999)
  expect([sentBefore, ended]).toEqual([[1], false])
  await clock.advance(1)
  await ticking
})
