/**
 * An outcome whose answer was lost is told again, and the store says that it knows it already. Attempt ids are made afresh for each
 * send and told by one recorder, so it was this one's own earlier try that did it, and nobody has been told of it yet.
 */
import type { Outcome, Recorded } from '../queries.ts'

/** What the lost answer has said, from a `repeated` one: what there is to tell of it, once. Any other answer is itself. */
export function withLostAnswer(outcome: Outcome, recorded: Recorded): Recorded {
  const { result, delivery, attempt } = recorded
  if (result !== 'repeated' || delivery === null) return recorded
  // Without an attempt only the delivery's fresh id can say whose it is.
  if (outcome.attempt === null ? delivery.id !== outcome.delivery.id : attempt === null) return recorded
  return hasEnded(outcome, recorded)
    ? { result: 'recorded', delivery, attempt }
    : { result: 'late', delivery, attempt }
}

/** Did this outcome end the delivery? What has happened to it since may have ended it, too, and has been told of. */
function hasEnded({ next }: Outcome, { delivery, attempt }: Recorded): boolean {
  if (delivery === null || delivery.state !== next.state) return false
  if (attempt?.late !== true) return true
  // A late success ends it only where nothing has before, and then both are of one instant.
  return delivery.attemptCount === attempt.number && delivery.endedAt === delivery.updatedAt
}
