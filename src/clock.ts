/**
 * Time and chance, injected. The only file of the library that reads the machine's clock, sets a timer or
 * draws a random number, so that a test clock can pass three days in a millisecond.
 */

/** A pending timer. */
export interface Timer {
  /** Stops the timer; harmless when it has fired. */
  cancel(): void
}

/** What the library knows of time. `manualClock()` of `posthorn/testing` is the one for tests. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. Used where the store has no clock of its own. */
  now(): number
  /** Monotonic milliseconds from any origin: deadlines and durations, which a changed wall clock must not move. */
  monotonic(): number
  /**
   * Calls `fire` once, `delayMs` from now. The timer must not keep the process alive by itself unless
   * `keepAlive` is true.
   */
  setTimer(fire: () => void, delayMs: number, options?: { keepAlive?: boolean }): Timer
}

/** Source of chance: a number in [0, 1). */
export type Random = () => number

/** The longest timer that is ever set; longer waits are polls (setTimeout wraps after 2^31 ms). */
export const MAX_TIMER_MS = 3_600_000

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(fire, delayMs, options) {
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_TIMER_MS))
    if (options?.keepAlive !== true && typeof timer === 'object') timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** The machine's own randomness (jitter only; ids and secrets come from the crypto library). */
export const systemRandom: Random = () => Math.random()

// As it was when this was loaded: a host's tests may put a clock of their own in its place.
const immediate: typeof setImmediate | undefined = globalThis.setImmediate

/**
 * Calls `run` once the callbacks of this turn of the event loop are through: what many sockets brought at once is then one
 * batch. It is no wait and takes no time, so a test clock has no say in it.
 */
export const nextTurn: (run: () => void) => void =
  typeof immediate === 'function' ? (run) => void immediate(run) : (run) => void setTimeout(run, 0)

/**
 * A timer that ends a wait for something that may have come already. Where the event loop stood still (a long computation, a process
 * that was stopped), the timer and the answer are found at once, and the answer counts: it is looked for before `fire`.
 */
export function setDeadline(clock: Clock, fire: () => void, delayMs: number): Timer {
  let isCancelled = false
  const timer = clock.setTimer(() => {
    nextTurn(() => {
      if (!isCancelled) fire()
    })
  }, delayMs)
  return {
    cancel() {
      isCancelled = true
      timer.cancel()
    },
  }
}
