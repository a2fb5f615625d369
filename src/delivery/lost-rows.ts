/**
 * How many of the rows that a killed worker had this one takes at a time. Were it killed, too, all of them would be suspects, each of
 * which is then claimed alone: so they are few. They are also the oldest, and have waited for the end of a lease: so the next ones come
 * as soon as those before are through, and not when there is room for others.
 */
import type { Work } from '../records.ts'

/** Counts what is claimed of them. */
export interface LostRows {
  /** Rows that may be claimed now; 0: none. */
  readonly room: number
  /** More are due than were claimed, and may be claimed now. */
  readonly isWanting: boolean
  /** What a claim brought that was to bring so many of them at most. */
  learn(most: number, work: readonly Work[]): void
  claimed(work: Work): void
  released(work: Work): void
}

/** `rowsOf`: rows that lead to about so many requests. */
export function createLostRows(concurrency: number, rowsOf: (requests: number) => number): LostRows {
  let count = 0
  let isMore = false
  /** Rows for as many requests as are sent at once, and for as many again that are ready when those are through. */
  const room = () => (count > rowsOf(concurrency) ? 0 : Math.max(1, rowsOf(2 * concurrency) - count))
  return {
    get room() {
      return room()
    },
    get isWanting() {
      return isMore && room() > 0
    },
    learn(most, work) {
      if (most > 0) isMore = work.filter(isLost).length >= most
    },
    claimed(work) {
      if (isLost(work)) count += 1
    },
    released(work) {
      if (isLost(work)) count -= 1
    },
  }
}

/** Jobs go on for long, and may have lost a claim long ago: the rows of events and deliveries are not to wait for them. */
export const isLost = ({ kind, lostClaims }: Work): boolean => lostClaims > 0 && kind !== 'job'
