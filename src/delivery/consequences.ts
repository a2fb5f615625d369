/** From a verdict to what it means for the delivery and for its subscription, once the host's own rules have had their say. */

import { isThenable } from '../input/thenable.ts'
import type { Parts } from '../parts.ts'
import type { Next, Outcome } from '../queries.ts'
import type { NewAttempt, SubscriptionRecord } from '../records.ts'
import type { TransportResult } from '../transport.ts'
import type { Finding } from './condition.ts'
import { failureKindOf } from './failure-kinds.ts'
import { afterHold } from './hold.ts'
import { type JudgeContext, paceMs, type Verdict } from './judge.ts'
import { stopsWhenGivenUp } from './limits.ts'
import { reportProblem } from './problem.ts'
import type { Task } from './task.ts'
import { within } from './within.ts'

/** What happens to the delivery: as judged, unless `retryIf` says no within `limitMs`; after a failed probe it waits with the others. */
export function nextOf(
  task: Task,
  verdict: Verdict,
  attempt: NewAttempt,
  limitMs: number,
  parts: Parts,
): Next | Promise<Next> {
  const { next } = verdict
  return next.state === 'pending' ? retried(task, next, attempt, limitMs, parts) : next
}

async function retried(
  task: Task,
  next: Extract<Next, { state: 'pending' }>,
  attempt: NewAttempt,
  limitMs: number,
  parts: Parts,
): Promise<Next> {
  if (!(await mayRetry(task, attempt, limitMs, parts))) return { state: 'failed', reason: 'refused' }
  if (task.trigger !== 'probe') return next
  const trigger = afterHold(task) === 'manual' ? 'manual' : 'retry'
  return { state: 'held', always: false, trigger }
}

async function mayRetry(task: Task, attempt: NewAttempt, limitMs: number, parts: Parts): Promise<boolean> {
  const { retryIf } = parts.policy
  if (retryIf === null || retryIf === undefined) return true
  const { event, delivery, stored } = task
  try {
    const asked = retryIf({
      tenantId: event.tenantId,
      subscriptionId: delivery.subscriptionId,
      eventId: event.id,
      eventType: event.type,
      deliveryId: delivery.id,
      number: (stored?.attemptCount ?? 0) + 1,
      kind: failureKindOf(attempt) ?? 'status',
      status: attempt.status,
      excerpt: attempt.excerpt,
    })
    return (isThenable(asked) ? await within(asked, limitMs, parts.clock, '`retryIf`') : asked) !== false
  } catch (cause) {
    reportProblem(parts, 'retryIf', cause)
    return true
  }
}

/** What the attempt says about the receiver. Failed tests and our own stops say nothing. */
export function findingOf(
  task: Task,
  verdict: Verdict,
  result: TransportResult,
  context: JudgeContext,
): Finding | null {
  if (task.target.subscription === null) return null
  const { event, delivery } = task
  const at = context.nowMs
  if (verdict.outcome === 'succeeded') {
    const enable = event.test ? (event.settings.pending === 'drop' ? 'drop' : 'send') : null
    return { kind: 'success', at, enable, gone: verdict.disable }
  }
  if (event.test && !verdict.disable) return null
  if (result.kind === 'failure' && result.code === 'aborted') return null
  return {
    kind: 'failure',
    at,
    deliveryId: delivery.id,
    paceMs: paceMs(result, context),
    gone: verdict.disable,
  }
}

/** True when an ordered subscription must not go on after this delivery, which is given up. */
export function stopsLine({ next, delivery }: Outcome, subscription: SubscriptionRecord): boolean {
  return next.state === 'failed' && !delivery.test && stopsWhenGivenUp(subscription)
}
