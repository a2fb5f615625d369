/**
 * A clock that stands still until a test moves it, so that three days pass in a millisecond. It drives the engine and the
 * stores alike, and never reads the machine's time.
 */
import type { Clock } from '../clock.ts'

/** A clock that only `advance` moves. */
export interface ManualClock extends Clock {
  /**
   * Moves `now` and `monotonic` by `ms`, firing due timers in the order of their instants, each at its own instant. Lets
   * asynchronous work settle before the first timer, after each one and at the end; timers that this work sets fire in the
   * same call when they are due. Concurrent calls run one after the other.
   */
  advance(ms: number): Promise<void>
  /** How many timers are waiting. */
  pending(): number
}

interface WaitingTimer {
  readonly at: number
  readonly fire: () => void
}

/** 2026-01-01T00:00:00Z. */
const DEFAULT_START = Date.UTC(2026, 0, 1)
/** Turns of the event loop after each timer: enough for chains of promises with real, local I/O callbacks in between. */
const SETTLE_TURNS = 12

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise<void>((done) => setImmediate(done))
}

/**
 * Makes a clock that stands at `start`.
 * @param start Milliseconds since 1970, or a Date.
 * @default 2026-01-01T00:00:00Z
 */
export function manualClock(start: number | Date = DEFAULT_START): ManualClock {
  const origin = Number(start)
  let elapsed = 0
  let queue: Promise<void> = Promise.resolve()
  const timers = new Set<WaitingTimer>()

  function nextDue(until: number): WaitingTimer | null {
    let next: WaitingTimer | null = null
    for (const timer of timers) {
      if (timer.at <= until && (next === null || timer.at < next.at)) next = timer
    }
    return next
  }

  async function move(ms: number): Promise<void> {
    const until = elapsed + ms
    await settle()
    for (let timer = nextDue(until); timer !== null; timer = nextDue(until)) {
      elapsed = Math.max(elapsed, timer.at)
      timers.delete(timer)
      timer.fire()
      await settle()
    }
    elapsed = until
    await settle()
  }

  return {
    now: () => origin + elapsed,
    monotonic: () => elapsed,
    setTimer(fire, delayMs) {
      const timer: WaitingTimer = { at: elapsed + Math.max(0, delayMs), fire }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      if (!(ms >= 0)) return Promise.reject(new RangeError(`advance(${ms}): time only moves forward`))
      const moved = queue.then(() => move(ms))
      queue = moved.catch(() => undefined)
      return moved
    },
    pending: () => timers.size,
  }
}
