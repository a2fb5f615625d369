/**
 * How many rows a claim asks for: as many as the store has shown to hand over in good time, as fit into memory, and as there is room
 * for what they lead to. A claim that is larger than what the way to the database carries within a statement's deadline is lost, and
 * so is all that a process had claimed when it is killed: its rows wait for the end of their lease.
 */

import type { Clock } from '../clock.ts'
import type { EventRecord, Work } from '../records.ts'

/** Nothing is known of the store yet. */
const FIRST = 32
const MOST = 500
/** A full claim that took no longer asks for twice as many the next time … */
const QUICK_MS = 500
/** … and one that took longer than that for half as many. */
const SLOW_MS = 2_000
/** Bodies of a claim, in characters, by what those of the last one were: each is in memory, twice, until its requests are through. */
const MOST_CHARACTERS = 4 * 1024 * 1024

/** A claim of fewer rows, where there are more, is not worth its cost. */
export const WORTH_IT = 64
/** Weight of one row in the mean of requests per row. */
const NEWEST = 1 / 8

/** The size of the next claim. */
export interface ClaimSize {
  /** Rows to ask for where there are so many free places. */
  rowsFor(places: number): number
  /** Rows that lead to about so many requests; one at least. */
  rowsOf(requests: number): number
  /** A row led to so many requests: an event has one for each subscription that it goes to. */
  expanded(requests: number): void
  /** Learns from a claim that was made this moment, for `asked` rows. */
  learn<Result extends { readonly work: readonly Work[] }>(
    asked: number,
    claim: Promise<Result>,
  ): Promise<Result>
}

export function createClaimSize(clock: Pick<Clock, 'monotonic'>): ClaimSize {
  let rows = FIRST
  /** The mean body of the last claim's events. */
  let characters = 0
  let perRow = 1
  const rowsOf = (requests: number) => Math.max(1, Math.floor(requests / perRow))
  const halve = () => {
    rows = Math.max(1, rows >> 1)
  }
  return {
    rowsFor(places) {
      const asked = Math.max(Math.min(places, WORTH_IT), rowsOf(places))
      return Math.max(1, Math.min(asked, rows, Math.floor(MOST_CHARACTERS / Math.max(1, characters))))
    },
    rowsOf,
    expanded(requests) {
      perRow += (Math.max(1, requests) - perRow) * NEWEST
    },
    async learn(asked, claim) {
      const begun = clock.monotonic()
      try {
        const claimed = await claim
        const tookMs = clock.monotonic() - begun
        const count = claimed.work.length
        if (count > 0) characters = meanBody(claimed.work)
        if (tookMs > SLOW_MS && count > 0) halve()
        else if (tookMs <= QUICK_MS && count >= asked) rows = Math.min(MOST, Math.max(rows, asked * 2))
        return claimed
      } catch (cause) {
        halve()
        throw cause
      }
    },
  }
}

function meanBody(work: readonly Work[]): number {
  const events = new Set<EventRecord>()
  let sum = 0
  for (const one of work) {
    if (one.kind === 'job') continue
    if (!events.has(one.event)) sum += one.event.body?.length ?? 0
    if (one.kind === 'delivery') sum += one.delivery.body?.length ?? 0
    events.add(one.event)
  }
  return sum / Math.max(1, events.size)
}
