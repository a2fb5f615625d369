/** Rows that must be claimed alone, beside a worker that is never idle. */
import { expect, it } from 'vitest'
import { createSuspects } from '../../src/delivery/suspects.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { killed, slowSender } from '../support/killed-workers.ts'

it('sends a row that two killed workers had, although this worker is never idle', async () => {
  const sender = slowSender(() => 300)
  const { webhooks, clock, transport } = sender
  await sender.subscribe()
  await webhooks.publish('suspect', {}, { tenantId: 'acme' })
  await killed(sender, 1, 2)
  await webhooks.start()
  const sent = () =>
    transport.requests.filter(({ body }) => new TextDecoder().decode(body).includes('"suspect"'))
  for (let turn = 0; turn < 150 && sent().length === 0; turn++) {
    await webhooks.publish('busy', { turn }, { tenantId: 'acme' })
    await clock.advance(100)
  }
  expect(sent()).toHaveLength(1)
  await clock.advance(60_000)
  expect(sent()).toHaveLength(1)
  await webhooks.stop()
})

it('begins with such rows a moment later than another worker may, and only where they are there still', async () => {
  const clock = manualClock()
  const worker = { busy: true, claimOnce: async () => ({ count: 0 }), keepFree: () => {} }
  const suspects = createSuspects(clock, () => 0.5, worker as never)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(499)
  expect(suspects.begin(null)).toBe(false)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(1)
  expect(suspects.begin(true)).toBe(true)
  suspects.end()
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(2_499)
  expect(suspects.begin(false)).toBe(false)
  await clock.advance(1)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(500)
  expect(suspects.begin(true)).toBe(true)
})

it('takes nothing beside such a row, although it was idle', async () => {
  const sender = slowSender(() => 300)
  const { webhooks, store, clock, transport } = sender
  await sender.subscribe()
  await webhooks.publish('suspect', {}, { tenantId: 'acme' })
  await killed(sender, 1, 2)
  const claims: boolean[] = []
  const { claim } = store
  store.claim = async (request) => {
    const claimed = await claim(request)
    if (claimed.work.length > 0) claims.push(request.alone)
    return claimed
  }
  await webhooks.start()
  await clock.advance(100)
  expect(claims).toEqual([true])
  await webhooks.publish('beside', {}, { tenantId: 'acme' })
  await clock.advance(100)
  expect(claims).toEqual([true])
  expect(transport.requests).toHaveLength(1)
  await clock.advance(1_000)
  expect(claims).toEqual([true, false])
  expect(transport.requests).toHaveLength(2)
  await webhooks.stop()
})
