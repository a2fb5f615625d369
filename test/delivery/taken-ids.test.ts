/** A host's generator of ids that begins anew with each start: a delivery under a taken id must not be lost among another's attempts. */
import { expect, it } from 'vitest'
import type { PosthornError } from '../../src/errors.ts'
import { createWebhooks } from '../../src/index.ts'
import { quietLogger, setup } from '../support/setup.ts'

/** What a process makes of its life: a counter of its own, and what it was told. */
function started({ store, transport, clock }: ReturnType<typeof setup>) {
  let made = 0
  const problems: PosthornError[] = []
  const webhooks = createWebhooks({
    ...{ store, transport, clock, logger: quietLogger, random: () => 0 },
    ids: { delivery: () => `dlv_${++made}` },
    hooks: { problem: ({ during, error }) => during === 'ids' && problems.push(error) },
  })
  return { webhooks, problems }
}

it('a delivery whose id an earlier process has given away is stored under another, and the operator is told', async () => {
  const sender = setup()
  await sender.subscribe('acme', { id: 'a' })
  await sender.subscribe('acme', { id: 'b', url: 'https://other.example/' })
  const before = started(sender)
  await before.webhooks.publish('order.paid', { n: 1 }, { tenantId: 'acme', id: 'first' })
  await before.webhooks.drain()
  expect(before.problems).toEqual([])
  const after = started(sender)
  await after.webhooks.publish('order.paid', { n: 2 }, { tenantId: 'acme', id: 'second' })
  await after.webhooks.drain()
  expect(sender.transport.requests).toHaveLength(4)
  const { items } = await after.webhooks.deliveries.list({ tenantId: 'acme' })
  const shown = items.map(({ eventId, subscriptionId, state, attemptCount }) =>
    [eventId, subscriptionId, state, attemptCount].join(' '),
  )
  expect(shown.sort()).toEqual([
    'first a succeeded 1',
    'first b succeeded 1',
    'second a succeeded 1',
    'second b succeeded 1',
  ])
  expect(after.problems.map(({ code, path }) => [code, path])).toEqual([
    ['CONFLICT', 'ids.delivery'],
    ['CONFLICT', 'ids.delivery'],
  ])
  expect(after.problems[0]?.message).toMatch(/`dlv_1`, which another delivery of this tenant has/)
})

it('retries go on under the id that a delivery got in the place of a taken one', async () => {
  let answers = 0
  const sender = setup({ answer: () => (++answers === 2 ? 500 : 200) })
  await sender.subscribe('acme')
  const before = started(sender)
  await before.webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  await before.webhooks.drain()
  const after = started(sender)
  await after.webhooks.start()
  await after.webhooks.publish('order.paid', {}, { tenantId: 'acme', id: 'second' })
  await sender.clock.advance(3_600_000)
  const { items } = await after.webhooks.deliveries.list({ tenantId: 'acme', eventId: 'second' })
  expect(items).toMatchObject([{ state: 'succeeded', attemptCount: 2 }])
  expect(items[0]?.id).not.toBe('dlv_1')
  expect(after.problems).toHaveLength(1)
  await after.webhooks.stop()
})

it('a store that calls every id taken is asked once more, and the lease brings the delivery back', async () => {
  const during: string[] = []
  const sender = setup({ hooks: { problem: (problem) => during.push(problem.during) } })
  await sender.subscribe('acme')
  const { record } = sender.store
  let left = 2
  sender.store.record = async (outcomes) => {
    if (left-- <= 0) return record(outcomes)
    return outcomes.map(() => ({ result: 'taken', delivery: null, attempt: null }))
  }
  await sender.webhooks.start()
  await sender.webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  await sender.clock.advance(120_000)
  expect(during).toEqual(['ids', 'record'])
  const { items } = await sender.webhooks.deliveries.list({ tenantId: 'acme' })
  expect(items).toMatchObject([{ state: 'succeeded', attemptCount: 1 }])
  expect(sender.transport.requests).toHaveLength(2)
  await sender.webhooks.stop()
})
