/** A store that fails is asked again after 100 ms, then after twice as long each time, up to 5 s; and at once anew when it has answered. */
import { expect, it } from 'vitest'
import { setup } from '../support/setup.ts'

/** A started sender whose store counts its claims and refuses them while it is down. */
async function down(random: number) {
  const made = setup({ random: () => random })
  const claimedAt: number[] = []
  const state = { down: true }
  const { claim } = made.store
  made.store.claim = (request) => {
    claimedAt.push(made.clock.monotonic())
    return state.down ? Promise.reject(new Error('the server is gone')) : claim(request)
  }
  const stop = async () => {
    const stopped = made.webhooks.stop({ drainMs: 0 })
    await made.clock.advance(2_000)
    await stopped
  }
  return { ...made, state, claimedAt, stop }
}

const pauses = (instants: readonly number[]): number[] =>
  instants.slice(1).map((at, index) => Math.round(at - (instants[index] ?? 0)))

it.each([
  { random: 0, share: 0.5 },
  { random: 0.5, share: 0.75 },
  { random: 1, share: 1 },
])('waits 100 ms, doubles to 5 s and stays there, times $share by its jitter', async ({ random, share }) => {
  const { webhooks, clock, claimedAt, stop } = await down(random)
  await webhooks.start()
  await clock.advance(40_000)
  const wanted = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000].map((ms) => ms * share)
  expect(pauses(claimedAt).slice(0, wanted.length)).toEqual(wanted)
  expect(Math.max(...pauses(claimedAt))).toBe(5_000 * share)
  await stop()
})

it('begins at 100 ms again after the store has answered', async () => {
  const { webhooks, clock, claimedAt, state, transport, subscribe, stop } = await down(1)
  await subscribe()
  await webhooks.start()
  await clock.advance(20_000)
  state.down = false
  await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
  await clock.advance(5_000)
  expect(transport.requests).toHaveLength(1)
  state.down = true
  claimedAt.length = 0
  await clock.advance(5_000)
  expect(pauses(claimedAt).slice(0, 5)).toEqual([100, 200, 400, 800, 1_600])
  await stop()
})
