/**
 * How the time of a claim is divided. Its lease lasts two deadlines: in one of them tasks are made and wait for their turn, in the
 * other a request goes out and is answered. Host code may use up neither, and a little is left for storing what came of it.
 */
import type { Parts } from '../parts.ts'

/** A small share of a deadline, in ms: for what has to fit in beside a step that took its whole time. */
export const shareOfTime = ({ timeoutMs }: Pick<Parts, 'timeoutMs'>): number => timeoutMs / 8

/** What must be left of a lease when a request has taken its whole deadline: its outcome is stored in it. */
export const storingMs = shareOfTime

/** How long host code may take over the tasks of a claimed row, all of them together: what is left is for their turns. */
export const makingMs = (parts: Pick<Parts, 'timeoutMs'>): number =>
  parts.timeoutMs - storingMs(parts) - shareOfTime(parts)

/**
 * How long `retryIf` may think about a failed attempt, in ms: for what is left of its deadline or a small share of one, and never for
 * more than half of what is left of the lease, of which the outcome needs the rest.
 */
export function thinkingMs(
  leftMs: number,
  leaseEnds: number,
  { timeoutMs, clock }: Pick<Parts, 'timeoutMs' | 'clock'>,
): number {
  return Math.min(
    Math.max(leftMs, shareOfTime({ timeoutMs })),
    Math.max(0, leaseEnds - clock.monotonic()) / 2,
  )
}
