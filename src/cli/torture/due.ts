/** Requests that came before their delivery was due: by the receiver's and the publisher's clock, which are one. */
import type { Received } from './ledger.ts'
import { RETRY_MS } from './settings.ts'

/** When the publish of an event began, and how long after it the event is due. */
export interface Begun {
  readonly at: number
  readonly delayMs: number
}

/**
 * First requests before the event was due, and retries sooner after a failure's answer than the schedule says. `isExplained`: the
 * failure may never have been stored, so that the next request was no retry.
 */
export function tooEarly(
  groups: Iterable<readonly Received[]>,
  events: ReadonlyMap<string, Begun>,
  isExplained: (one: Received, next: Received) => boolean,
): readonly Received[] {
  return [...groups].flatMap((group) => {
    const inOrder = [...group].sort((one, other) => one.at - other.at)
    return inOrder.filter((next, index) => {
      const begun = events.get(next.id)
      if (begun !== undefined && next.at < begun.at + begun.delayMs) return true
      const one = inOrder[index - 1]
      if (one === undefined || one.status < 300 || one.answered === null) return false
      return next.at < one.answered + RETRY_MS && !isExplained(one, next)
    })
  })
}
