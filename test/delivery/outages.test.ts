/** What becomes of requests whose outcomes meet an outage of the store: they are not made again when it is over. */
import { expect, it } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { quietLogger } from '../support/setup.ts'

const MINUTE = 60_000
/** How long an answer takes. */
const ANSWER_MS = 500

/** A sender whose store is down whenever `outage.is` says so, but for the operations in `works`. */
function setup({ works = [] as readonly string[] } = {}) {
  const clock = manualClock()
  const outage = { is: false }
  const memory = memoryStore({ clock })
  const store = Object.fromEntries(
    Object.entries(memory).map(([name, operation]) => {
      if (typeof operation !== 'function' || name === 'close' || works.includes(name))
        return [name, operation]
      const refused = async () => Promise.reject(new Error('the database is away'))
      return [
        name,
        (...given: never[]) =>
          outage.is ? refused() : (operation as (...given: never[]) => unknown)(...given),
      ]
    }),
  ) as unknown as typeof memory
  const transport = fakeTransport(async () => {
    await new Promise<void>((resolve) => clock.setTimer(resolve, ANSWER_MS))
    return { status: 204 }
  })
  const webhooks = createWebhooks({ store, transport, clock, logger: quietLogger, random: () => 0.5 })
  async function sendInto(outageMs: number): Promise<void> {
    await webhooks.subscriptions.create({ tenantId: 'acme', url: 'https://receiver.example/hook' })
    for (let n = 0; n < 3; n++) await webhooks.publish('a', { n }, { tenantId: 'acme' })
    await clock.advance(ANSWER_MS / 2)
    expect(transport.requests).toHaveLength(3)
    outage.is = true
    await clock.advance(outageMs)
  }
  const deliveries = async () => (await webhooks.deliveries.list({ tenantId: 'acme' })).items
  return { webhooks, clock, transport, outage, sendInto, deliveries }
}

it('an outage that is far longer than a lease repeats nothing: the outcomes wait for its end', async () => {
  const { webhooks, clock, transport, outage, sendInto, deliveries } = setup()
  await webhooks.start()
  await sendInto(30 * MINUTE)
  outage.is = false
  await clock.advance(2 * MINUTE)
  expect((await deliveries()).map(({ state, attemptCount }) => [state, attemptCount])).toEqual([
    ['succeeded', 1],
    ['succeeded', 1],
    ['succeeded', 1],
  ])
  expect(transport.requests).toHaveLength(3)
  await webhooks.stop()
})

it('a claim that brings what this process has answered sends nothing, and gives it back', async () => {
  const { webhooks, clock, transport, outage, sendInto, deliveries } = setup({
    works: ['claim', 'handBack', 'expanded'],
  })
  await webhooks.start()
  await sendInto(5 * MINUTE)
  expect(transport.requests).toHaveLength(3)
  outage.is = false
  await clock.advance(MINUTE)
  expect((await deliveries()).every(({ state }) => state === 'succeeded')).toBe(true)
  expect(transport.requests).toHaveLength(3)
  await webhooks.stop()
})

it('a stop in the middle of it ends, and what was not stored comes back with its lease', async () => {
  const { webhooks, clock, transport, outage, sendInto, deliveries } = setup()
  await webhooks.start()
  await sendInto(30 * MINUTE)
  let stopped = false
  const stopping = webhooks.stop({ drainMs: 8_000 }).finally(() => {
    stopped = true
  })
  await clock.advance(10_000)
  expect(stopped).toBe(true)
  await stopping
  outage.is = false
  await webhooks.start()
  await clock.advance(2 * MINUTE)
  expect((await deliveries()).every(({ state }) => state === 'succeeded')).toBe(true)
  expect(transport.requests.length).toBeGreaterThanOrEqual(3)
  await webhooks.stop()
})

it('a drain waits for the store no longer than for a lease', async () => {
  const { webhooks, clock, outage, sendInto } = setup()
  let ended = false
  const drained = new Promise<void>((resolve) => {
    clock.setTimer(() => {
      const settled = webhooks.drain().catch(() => undefined)
      void settled.then(() => {
        ended = true
        resolve()
      })
    }, ANSWER_MS / 4)
  })
  await sendInto(2 * MINUTE)
  expect(ended).toBe(true)
  await drained
  outage.is = false
  await webhooks.stop()
})
