/**
 * A clock and a source of chance that the host gave, held to their contracts: what throws or is no number must cost no delivery and
 * never ends the process. What it said last counts on, and `problem` is told.
 */
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { ignoreRejection } from '../input/thenable.ts'

/** Told of a part that fails; `during` names it. */
export type Problem = (during: string, error: PosthornError) => void

/** The clock and the chance of a sender: the host's, or else the machine's. */
export function heldTime(
  given: { readonly clock?: Clock; readonly random?: Random },
  problem: Problem,
): { readonly clock: Clock; readonly random: Random } {
  return {
    clock: given.clock === undefined ? systemClock : heldClock(given.clock, problem),
    random: given.random === undefined ? systemRandom : heldRandom(given.random, problem),
  }
}

/** The host's clock: never throws, its numbers are numbers, and `monotonic` never goes back. */
function heldClock(given: Clock, problem: Problem): Clock {
  const read = reader('clock', problem)
  let now = systemClock.now()
  let monotonic: number | null = null
  return {
    now() {
      now = read('now', () => given.now()) ?? now
      return now
    },
    monotonic() {
      const value = read('monotonic', () => given.monotonic()) ?? monotonic ?? 0
      monotonic = Math.max(monotonic ?? value, value)
      return monotonic
    },
    setTimer(fire, delayMs, options) {
      let fired = false
      // A timer that threw may have been set all the same.
      const once = () => {
        if (fired) return
        fired = true
        fire()
      }
      try {
        const timer = given.setTimer(once, delayMs, options)
        if (typeof timer?.cancel === 'function') return timer
        ignoreRejection(timer)
      } catch {}
      read('setTimer', () => Number.NaN)
      const instead = systemClock.setTimer(once, delayMs, options)
      return {
        cancel() {
          fired = true
          instead.cancel()
        },
      }
    },
  }
}

/** The host's chance: never throws, and stays within 0 and 1. */
function heldRandom(given: Random, problem: Problem): Random {
  const read = reader('random', problem, (value) => value >= 0 && value <= 1)
  return () => read('random', given) ?? systemRandom()
}

/** Reads a number; null after it has told of anything else. Telling reads the clock, which is not told of again meanwhile. */
function reader(
  option: 'clock' | 'random',
  problem: Problem,
  isRight: (value: number) => boolean = Number.isFinite,
) {
  let telling = false
  return (name: string, call: () => unknown): number | null => {
    let cause: unknown
    try {
      const value = call()
      if (typeof value === 'number' && isRight(value)) return value
      ignoreRejection(value)
    } catch (thrown) {
      cause = thrown
    }
    if (telling) return null
    telling = true
    const path = option === name ? option : `${option}.${name}`
    const message = `The host's \`${path}\` threw or did not return what it must; what it said last counts on, or the machine's own. Correct it.`
    problem(option, new PosthornError('INVALID_OPTION', message, { path, cause }))
    telling = false
    return null
  }
}
