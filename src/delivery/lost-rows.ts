/**
 * How many of the rows that a killed worker had this one takes at a time. Were it killed, too, all of them would be suspects, each of
 * which is then claimed alone: so they are few. They are also the oldest, and have waited for the end of a lease: so the next ones come
 * as soon as those before are through, and not when there is room for others. Other tenants' rows may come along: a claim goes round.
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
  /** An outcome of it is stored, which clears its lost claims, or it is claimed no more; told again it changes nothing. */
  released(work: Work): void
}

/** `rowsOf`: rows that lead to about so many requests. */
export function createLostRows(concurrency: number, rowsOf: (requests: number) => number): LostRows {
  const rows = new Set<Work>()
  let isMore = false
  /** Rows for as many requests as are sent at once, and for as many again that are ready when those are through. */
  const room = () => (rows.size > rowsOf(concurrency) ? 0 : Math.max(1, rowsOf(2 * concurrency) - rows.size))
  return {
    get room() {
      return room()
    },
    get isWanting() {
      return isMore && room() > 0
    },
    learn(most, work) {
      if (most > 0) isMore = work.filter(({ lostClaims }) => lostClaims > 0).length >= most
    },
    claimed(work) {
      if (isLost(work)) rows.add(work)
    },
    released(work) {
      rows.delete(work)
    },
  }
}

/** Jobs go on for long, and may have lost a claim long ago: the rows of events and deliveries are not to wait for them. */
export const isLost = ({ kind, lostClaims }: Work): boolean => lostClaims > 0 && kind !== 'job'
