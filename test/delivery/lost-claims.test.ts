/** What a worker does with a claim when the store fails in the middle: nothing in flight is given away, nothing else is withheld. */
import { expect, it } from 'vitest'
import { createSettler } from '../../src/delivery/settle.ts'
import type { Store } from '../../src/store.ts'
import { setup } from '../support/setup.ts'

it('an event that could not leave the order is not handed back under its requests', async () => {
  const problems: string[] = []
  const { webhooks, store, transport, subscribe, clock } = setup({
    hooks: { problem: ({ during }) => problems.push(during) },
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 5_000))
      return 200
    },
  })
  await subscribe('acme', { url: 'https://plain.example/', id: 'plain' })
  await subscribe('acme', { url: 'https://line.example/', id: 'line', ordering: 'subscription' })
  const { leaveOrder } = store
  let fails = 1
  store.leaveOrder = (claims) =>
    fails-- > 0 ? Promise.reject(new Error('connection reset')) : leaveOrder.call(store, claims)
  await webhooks.start()
  for (let nth = 0; nth < 2; nth++) await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  await clock.advance(30_000)
  const { items } = await webhooks.attempts.list({ tenantId: 'acme' })
  expect(items.map(({ subscriptionId, late }) => [subscriptionId, late]).sort()).toEqual([
    ['line', false],
    ['line', false],
    ['plain', false],
    ['plain', false],
  ])
  expect(transport.requests).toHaveLength(4)
  expect(problems).toEqual(['order'])
  await webhooks.stop()
})

it('hands back what was not sent although what was sent cannot be finished, and the other way round', async () => {
  const problems: string[] = []
  const done: string[] = []
  const refused = new Set<string>()
  const write = (name: string) => async () => {
    if (refused.has(name)) throw new Error('the statement took too long')
    done.push(name)
    return 1
  }
  const store = { finish: write('finish'), handBack: write('handBack') }
  const settler = createSettler(store as unknown as Store<unknown>, (during) => problems.push(during))
  const claim = { row: '1', token: 'token' }
  for (const name of ['finish', 'handBack']) {
    refused.add(name)
    await Promise.all([settler.finish(claim), settler.handBack(claim, 0)])
    refused.clear()
  }
  expect([done, problems]).toEqual([
    ['handBack', 'finish'],
    ['settle', 'settle'],
  ])
})
