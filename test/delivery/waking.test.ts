/** The sleep of a worker, and what ends it. */
import { expect, it } from 'vitest'
import { createWaking } from '../../src/delivery/waking.ts'
import { manualClock } from '../../src/testing/index.ts'

function setup() {
  const clock = manualClock()
  const waking = createWaking(clock)
  const ended: number[] = []
  /** Notes when it ends. */
  const note = (sleep: Promise<void>) => void sleep.then(() => ended.push(clock.monotonic()))
  return { clock, waking, ended, note }
}

it('sleeps for its time, and leaves no timer behind when it is woken before', async () => {
  const { clock, waking, ended, note } = setup()
  note(waking.sleep(1_000))
  await clock.advance(1_000)
  note(waking.sleep(1_000))
  await clock.advance(400)
  waking.wake()
  await clock.advance(0)
  expect([ended, clock.pending()]).toEqual([[1_000, 1_400], 0])
})

it('keeps a wake-up of the time when it was awake for one sleep', async () => {
  const { clock, waking, ended, note } = setup()
  waking.wake()
  waking.wake()
  note(waking.sleep(1_000))
  await clock.advance(0)
  note(waking.sleep(1_000))
  await clock.advance(5_000)
  expect([ended, waking.count]).toEqual([[0, 1_000], 2])
})

it('wakes four times after a commit that nobody sees, unless that is taken back', async () => {
  const { clock, waking } = setup()
  waking.wakeAfterCommit()
  const counts: number[] = []
  for (const ms of [5, 15, 60, 220]) {
    await clock.advance(ms)
    counts.push(waking.count)
  }
  expect(counts).toEqual([1, 2, 3, 4])
  waking.wakeAfterCommit()
  await clock.advance(5)
  waking.cancel()
  await clock.advance(1_000)
  expect([waking.count, clock.pending()]).toEqual([5, 0])
})

it('waits for work until that has ended or somebody wakes', async () => {
  const { clock, waking, ended, note } = setup()
  let end = () => {}
  note(waking.orWoken(new Promise((resolve) => (end = resolve))))
  await clock.advance(10)
  end()
  await clock.advance(0)
  note(waking.orWoken(new Promise(() => {})))
  await clock.advance(10)
  waking.wake()
  await clock.advance(0)
  expect(ended).toEqual([10, 20])
})
