/**
 * Decides what one try means: did it succeed, what happens to the delivery next, and is the subscription done
 * for. A pure function of the result and its context; acting on the verdict is somebody else's step.
 */
import type { Random } from '../clock.ts'
import type { FailureReason } from '../model.ts'
import type { Next } from '../queries.ts'
import type { TransportResult } from '../transport.ts'
import { MAX_RETRY_AFTER_MS, nextDelayMs, type RetryPolicy } from './backoff.ts'
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
  /** Obey `webhook-delivery: abort-message | disable`. @default false */
  readonly obeyDeliveryHeader?: boolean
  /** What 410 does. @default 'disable' */
  readonly gone?: 'disable' | 'retry'
  /** Whom 429 and 503 slow down. @default 'subscription' */
  readonly throttle?: 'subscription' | 'delivery'
}

/** What follows from one try. */
export interface Verdict {
  readonly outcome: 'succeeded' | 'failed'
  readonly next: Next
  /** True when the receiver wants nothing more (410, or `webhook-delivery: disable`): disable the subscription. */
  readonly disable: boolean
}

/**
 * 2xx succeeds. 410 ends the delivery and disables the subscription, unless `gone` is 'retry'; a request that cannot
 * be made ends the delivery. Everything else, 3xx included, is tried again by the schedule, until it is used up
 * (`exhausted`) or the next try would come too late (`expired`).
 */
export function judge(result: TransportResult, context: JudgeContext): Verdict {
  if (result.kind === 'failure') {
    return result.code === 'invalid-request' ? ended('refused') : retry(context, null)
  }
  const { status, headers } = result
  const wish =
    context.obeyDeliveryHeader === true ? headers['webhook-delivery']?.trim().toLowerCase() : undefined
  const disable = wish === 'disable'
  if (status >= 200 && status < 300) {
    return { outcome: 'succeeded', next: { state: 'succeeded' }, disable }
  }
  if ((status === 410 && context.gone !== 'retry') || disable) return ended('refused', true)
  if (wish === 'abort-message') return ended('refused')
  return retry(context, retryAfterMs(headers, status, context.nowMs))
}

/** The longest wait of a whole subscription when the receiver does not say how long. */
const MAX_UNASKED_PACE_MS = 60_000

/** How long a receiver that asks for fewer requests (429, 503) is sent nothing at all; null for any other result. */
export function paceMs(
  result: TransportResult,
  { policy, failedInRound, nowMs, throttle }: JudgeContext,
): number | null {
  if (throttle === 'delivery') return null
  if (result.kind === 'failure' || (result.status !== 429 && result.status !== 503)) return null
  const own = Math.min(policy.delaysMs[failedInRound] ?? MAX_UNASKED_PACE_MS, MAX_UNASKED_PACE_MS)
  const askedMs = retryAfterMs(result.headers, result.status, nowMs) ?? 0
  return Math.max(own, Math.min(askedMs, MAX_RETRY_AFTER_MS))
}

function retry(context: JudgeContext, askedMs: number | null): Verdict {
  const delayMs = nextDelayMs(context.policy, context.failedInRound + 1, context.random, askedMs)
  if (delayMs === null) return ended('exhausted')
  if (context.nowMs + delayMs > context.expiresAt) return ended('expired')
  const next = { state: 'pending', delayMs, trigger: 'retry' } as const
  return { outcome: 'failed', next, disable: false }
}

function ended(reason: FailureReason, disable = false): Verdict {
  return { outcome: 'failed', next: { state: 'failed', reason }, disable }
}
