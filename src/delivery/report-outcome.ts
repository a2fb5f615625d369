/** Tells statistics and hooks what a recorded outcome has done: the attempt, the end of its delivery, and that it was given up. */
import type { Parts } from '../parts.ts'
import { presentAttempt } from '../present.ts'
import type { Recorded } from '../queries.ts'
import type { Notices } from './notices.ts'
import { reportEnded } from './report-ended.ts'

/** Says nothing of an outcome that was refused or repeated. */
export function reportOutcome(
  parts: Pick<Parts, 'report' | 'statistics'>,
  notices: Notices,
  recorded: Recorded | null,
): void {
  const delivery = recorded?.delivery ?? null
  if (recorded === null || delivery === null || recorded.result === 'repeated') return
  if (recorded.attempt !== null) parts.statistics.attempted(recorded.attempt)
  if (recorded.attempt !== null && parts.report.hasAttempted) {
    const nextAttemptAt = delivery.nextAttemptAt === null ? null : new Date(delivery.nextAttemptAt)
    parts.report.attempted({
      attempt: presentAttempt(recorded.attempt),
      state: delivery.state,
      nextAttemptAt,
    })
  }
  // A late outcome of a delivery that had ended before has been told of.
  if (delivery.state === 'pending' || (recorded.result !== 'recorded' && recorded.ended !== true)) return
  reportEnded(parts, delivery)
  if (delivery.reason === 'exhausted' || delivery.reason === 'expired') notices.tellExhausted(delivery)
}
