/** Rows that must be claimed alone, beside a worker that is never idle. */
import { expect, it } from 'vitest'
import { setup } from '../support/setup.ts'

it('sends a row that two killed workers had, although this worker is never idle', async () => {
  const { webhooks, store, clock, transport, subscribe } = setup({
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      return { status: 204 }
    },
  })
  await subscribe()
  await webhooks.publish('suspect', {}, { tenantId: 'acme' })
  for (const token of ['killed', 'killed too']) {
    const claimed = await store.claim({
      token,
      leaseMs: 1_000,
      limit: 10,
      perTenant: 10,
      perSubscription: 10,
      shares: new Map(),
      alone: false,
    })
    expect(claimed.work).toHaveLength(1)
    await clock.advance(1_001)
  }
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
