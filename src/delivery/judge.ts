/**
 * Decides what one try means: did it succeed, what happens to the delivery next, and is the subscription done
 * for. A pure function of the result and its context; acting on the verdict is somebody else's step.
 */
import type { Random } from '../clock.ts'
import type { FailureReason } from '../model.ts'
import type { Next } from '../queries.ts'
import type { TransportResult } from '../transport.ts'
import { nextDelayMs, type RetryPolicy } from './backoff.ts'
import { retryAfterMs } from './retry-after.ts'

/** What `judge` must know besides the result. */
export interface JudgeContext {
  readonly policy: RetryPolicy
  /** Attempts of this round that had failed before this one: 0 at the first. */
  readonly failedInRound: number
  /** The store's clock, milliseconds. */
  readonly nowMs: number
  /** When the delivery expires, milliseconds on the same clock. */
  readonly expiresAt: number
  readonly random: Random
}

/** What follows from one try. */
export interface Verdict {
  readonly outcome: 'succeeded' | 'failed'
  readonly next: Next
  /** True when the receiver says that it is gone for good (410): disable the subscription. */
  readonly disable: boolean
}

/**
 * 2xx succeeds. 410 ends the delivery and disables the subscription; a request that cannot be made ends the
 * delivery. Everything else, 3xx included, is tried again by the schedule, until it is used up (`exhausted`) or
 * the next try would come too late (`expired`).
 */
export function judge(result: TransportResult, context: JudgeContext): Verdict {
  if (result.kind === 'response') {
    if (result.status >= 200 && result.status < 300) {
      return { outcome: 'succeeded', next: { state: 'succeeded' }, disable: false }
    }
    if (result.status === 410) return ended('refused', true)
    return retry(context, retryAfterMs(result.headers, result.status, context.nowMs))
  }
  return result.code === 'invalid-request' ? ended('refused') : retry(context, null)
}

function retry(context: JudgeContext, askedMs: number | null): Verdict {
  const delayMs = nextDelayMs(context.policy, context.failedInRound + 1, context.random, askedMs)
  if (delayMs === null) return ended('exhausted')
  if (context.nowMs + delayMs > context.expiresAt) return ended('expired')
  return { outcome: 'failed', next: { state: 'pending', delayMs, trigger: 'retry' }, disable: false }
}

function ended(reason: FailureReason, disable = false): Verdict {
  return { outcome: 'failed', next: { state: 'failed', reason }, disable }
}
