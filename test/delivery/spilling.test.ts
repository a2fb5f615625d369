/** What goes back to the store, because its receiver is slow, takes nothing from the others on its way. */
import { expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { setup } from '../support/setup.ts'

const CONCURRENCY = 20
/** Tasks that one process has at a time: in flight, waiting, and on their way back. */
const ROOM = CONCURRENCY + 256

it('is no more than the process has room for, so that the outcomes of the others are stored soon', async () => {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  const after = (ms: number) => new Promise<void>((resolve) => clock.setTimer(resolve, ms))
  let claimed = 0
  let settled = 0
  let most = 0
  const store: typeof inner = {
    ...inner,
    async claim(request) {
      const found = await inner.claim(request)
      claimed += found.work.length
      most = Math.max(most, claimed - settled)
      return found
    },
    // A store that takes a while for what it is given, and one batch at a time.
    async record(outcomes) {
      await after(outcomes.length)
      settled += outcomes.length
      return inner.record(outcomes)
    },
  }
  const arrived: string[] = []
  const transport = fakeTransport(async ({ url }) => {
    if (!url.includes('quick')) await after(30_000)
    else arrived.push(url)
    return 200
  })
  const { webhooks } = setup({
    store,
    transport,
    clock,
    concurrency: CONCURRENCY,
    breaker: false,
    timeoutMs: 30_000,
  })
  await webhooks.subscriptions.create({ tenantId: 'hangs', url: 'https://hangs.example/' })
  await webhooks.subscriptions.create({ tenantId: 'quick', url: 'https://quick.example/' })
  await webhooks.publishMany(
    Array.from({ length: 3_000 }, () => ({ type: 'a', data: {}, tenantId: 'hangs' })),
  )
  await webhooks.start()
  const waits: number[] = []
  for (let second = 0; second < 10; second += 1) {
    const before = arrived.length
    const begun = clock.now()
    await webhooks.publish('a', {}, { tenantId: 'quick' })
    while (arrived.length === before) await clock.advance(50)
    waits.push(clock.now() - begun)
    await clock.advance(Math.max(0, 1_000 - (clock.now() - begun)))
  }
  const stopped = webhooks.stop({ drainMs: 0 })
  await clock.advance(10_000)
  await stopped
  expect(most).toBeLessThanOrEqual(ROOM)
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000)
}, 30_000)
