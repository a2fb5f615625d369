/** A hundred megabytes that may all be sent at once are begun one after the other, and everything else has its turn in between. */
import { expect, it, onTestFinished } from 'vitest'
import { setup } from '../support/setup.ts'

const MANY = 40

/** How many requests began in each turn of the event loop. */
async function begunInTurns(text: string): Promise<readonly number[]> {
  const turns: number[] = []
  let turn = 0
  let isOver = false
  const sender = setup({
    ...{ concurrency: 100, concurrencyPerSubscription: 100, concurrencyPerOrigin: 100 },
    maxBodyBytes: 1_048_576,
    answer: () => {
      turns[turn] = (turns[turn] ?? 0) + 1
      return 204
    },
  })
  onTestFinished(() => sender.webhooks.stop())
  const tick = () => {
    turn += 1
    if (!isOver) setImmediate(tick)
  }
  for (let index = 0; index < MANY; index++)
    await sender.subscribe('acme', { url: `https://r${index}.example/` })
  await sender.webhooks.publish('order.paid', { text }, { tenantId: 'acme' })
  tick()
  await sender.webhooks.drain()
  isOver = true
  expect(sender.transport.requests).toHaveLength(MANY)
  return turns.filter((count) => count > 0)
}

it('large bodies', async () => {
  expect(Math.max(...(await begunInTurns('x'.repeat(200_000))))).toBe(1)
})

it('and not small ones, which would only wait', async () => {
  expect(Math.max(...(await begunInTurns('x')))).toBe(MANY)
})
