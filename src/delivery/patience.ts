/**
 * How p-retry waits here: by the injected clock, so that tests pass an outage in a millisecond. 100 ms, 200 ms … 5 s with
 * jitter: ten more tries take about half a minute, the length of a lease.
 */
import type { Options, RetryContext } from 'p-retry'
import type { Clock, Random } from '../clock.ts'

const FIRST_MS = 100
const LONGEST_MS = 5_000

/** Tries after the first that take as long as a lease. */
export const LEASE_OF_TRIES = 10

/** Options of `pRetry`. `goesOn` decides after each failure whether another try makes sense. */
export function patience(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  goesOn: (context: RetryContext) => boolean | Promise<boolean>,
  retries = LEASE_OF_TRIES,
): Options {
  return {
    retries,
    minTimeout: 0,
    maxTimeout: 0,
    async shouldRetry(context) {
      if (!(await goesOn(context))) return false
      const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (context.attemptNumber - 1))
      await new Promise<void>((resolve) => {
        clock.setTimer(resolve, longest * (0.5 + random() / 2), { keepAlive: true })
      })
      return true
    },
  }
}
