/** A claim that is larger than the way to the database carries is lost with its lease; the next ones must be smaller. */
import { expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../src/store.ts'
import { setup } from '../support/setup.ts'

/** The store, but for claims: each notes what it was asked for, takes this long a row, and is given up after ten seconds. */
function slowly(sender: ReturnType<typeof setup>, way: { msPerRow: number }) {
  const asked: number[] = []
  const claim: Store<never>['claim'] = sender.store.claim.bind(sender.store)
  sender.store.claim = async (request) => {
    asked.push(request.limit)
    const claimed = await claim(request)
    const tookMs = claimed.work.length * way.msPerRow
    await new Promise<void>((resolve) => {
      if (tookMs === 0) return resolve()
      sender.clock.setTimer(resolve, Math.min(tookMs, 10_000))
    })
    if (tookMs > 10_000) throw new Error('a statement took longer than 10000 ms')
    return claimed
  }
  return asked
}

it('a backlog that one claim could not carry is claimed in pieces, before any lease has ended', async () => {
  const sender = setup({ concurrency: 1_000, concurrencyPerSubscription: 1_000, concurrencyPerOrigin: 1_000 })
  onTestFinished(() => sender.webhooks.stop())
  await sender.subscribe()
  await sender.webhooks.publishMany(
    Array.from({ length: 300 }, (_, number) => ({ type: 'order.paid', data: { number }, tenantId: 'acme' })),
  )
  const asked = slowly(sender, { msPerRow: 100 })
  await sender.webhooks.start()
  for (let turn = 0; turn < 120; turn++) await sender.clock.advance(1_000)
  expect(Math.max(...asked)).toBeLessThanOrEqual(100)
  const { rows } = await sender.store.listAttempts({ tenant: 'acme' }, { limit: 1_000 })
  expect(rows).toHaveLength(300)
  expect(rows.filter(({ late, afterLostClaim }) => late || afterLostClaim)).toEqual([])
})

it('claims grow while they are quick, and shrink when the store becomes slow', async () => {
  const sender = setup({ concurrency: 1_000, concurrencyPerSubscription: 1_000, concurrencyPerOrigin: 1_000 })
  onTestFinished(() => sender.webhooks.stop())
  await sender.subscribe()
  const publish = () =>
    sender.webhooks.publishMany(
      Array.from({ length: 900 }, () => ({ type: 'order.paid', data: {}, tenantId: 'acme' })),
    )
  await publish()
  const way = { msPerRow: 0 }
  const asked = slowly(sender, way)
  await sender.webhooks.start()
  for (let turn = 0; turn < 5; turn++) await sender.clock.advance(1_000)
  expect(Math.max(...asked)).toBe(500)
  way.msPerRow = 20
  await sender.webhooks.stop()
  await publish()
  await sender.webhooks.start()
  for (let turn = 0; turn < 120; turn++) await sender.clock.advance(1_000)
  expect(asked.at(-1)).toBeLessThanOrEqual(100)
  const { rows } = await sender.store.listAttempts({ tenant: 'acme' }, { limit: 5_000 })
  expect(rows.filter(({ outcome }) => outcome === 'succeeded').length).toBe(1_800)
})

it('claims of large bodies are small: what is claimed is in memory until it is sent', async () => {
  const most = { concurrency: 1_000, concurrencyPerSubscription: 1_000, concurrencyPerOrigin: 1_000 }
  const sender = setup({ ...most, maxBodyBytes: 1_048_576 })
  onTestFinished(() => sender.webhooks.stop())
  await sender.subscribe()
  const publish = (count: number, data: object) =>
    sender.webhooks.publishMany(
      Array.from({ length: count }, () => ({ type: 'order.paid', data, tenantId: 'acme' })),
    )
  await publish(60, { text: 'x'.repeat(1_000_000) })
  await publish(60, {})
  const asked = slowly(sender, { msPerRow: 0 })
  await sender.webhooks.start()
  await sender.clock.advance(5_000)
  expect(sender.transport.requests).toHaveLength(120)
  // Nothing is known before the first; 4 MB are four; then they are small, and claims as large as before.
  expect(asked.slice(0, 4)).toEqual([32, 4, 4, 4])
  expect(asked.at(-1)).toBeGreaterThanOrEqual(32)
})

it('claims no more events that go to many than there is room for: all that is claimed waits for its lease when the process is killed', async () => {
  const sender = setup({ concurrency: 50, concurrencyPerSubscription: 50, concurrencyPerOrigin: 50 })
  onTestFinished(() => sender.webhooks.stop())
  for (let number = 0; number < 10; number++) await sender.subscribe()
  await sender.webhooks.publishMany(
    Array.from({ length: 600 }, (_, number) => ({ type: 'order.paid', data: { number }, tenantId: 'acme' })),
  )
  const asked = slowly(sender, { msPerRow: 1 })
  await sender.webhooks.start()
  await sender.clock.advance(30_000)
  expect(sender.transport.requests).toHaveLength(6_000)
  expect(Math.max(...asked)).toBe(64)
})

it('claims no more while what it has is being transformed: nothing is in a lane yet', async () => {
  const { clock, ...sender } = setup({
    concurrency: 10,
    transform: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 2_000))
      return null
    },
  })
  await sender.subscribe()
  await sender.webhooks.publishMany(
    Array.from({ length: 2_000 }, (_, number) => ({
      type: 'order.paid',
      data: { number },
      tenantId: 'acme',
    })),
  )
  let claimed = 0
  const { claim } = sender.store
  sender.store.claim = async (request) => {
    const answer = await claim(request)
    claimed += answer.work.length
    return answer
  }
  await sender.webhooks.start()
  await clock.advance(1_500)
  // Ten at once, and 256 ahead of them.
  expect(claimed).toBeLessThanOrEqual(266)
  const stopped = sender.webhooks.stop()
  await clock.advance(60_000)
  await stopped
})
