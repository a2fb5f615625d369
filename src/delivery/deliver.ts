/**
 * One attempt, as a straight list of steps over one task: make ready, send, judge. What comes out is data; recording it is a
 * separate step. Read this file first.
 */
import { PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../queries.ts'
import type { NewAttempt } from '../records.ts'
import { shownUrl } from '../shown-url.ts'
import type { RetryPolicy } from './backoff.ts'
import type { Finding } from './condition.ts'
import { findingOf, nextOf } from './consequences.ts'
import { afterHold } from './hold.ts'
import { judge, type Verdict } from './judge.ts'
import { thinkingMs } from './lease-time.ts'
import type { Preparer, StoreTime } from './prepare.ts'
import { makeReady, type Ready } from './ready.ts'
import { afterFirst, type Sent } from './second-try.ts'
import type { Task } from './task.ts'

/** How soon a delivery is due again that the host's `secrets` could not open, or for which they took too long. */
const UNREADY_MS = 30_000
/** No request starts with less than this left for it, or half of a shorter deadline. */
const MIN_SEND_MS = 2_000

/** What an attempt came to. */
export interface Attempted {
  readonly outcome: Outcome
  /** What it showed about the subscription; null where it says nothing about the receiver. */
  readonly finding: Finding | null
  readonly timedOut: boolean
  readonly tookMs: number
}

/** The time that an attempt has, and who may end it. */
export interface Turn {
  /** For all of it, from opening secrets to the last byte; the lease lasts as long. */
  readonly deadlineMs: number
  /** False once nothing may start any more. */
  readonly mayStart: () => boolean
  readonly signal: AbortSignal
}

/** When and as what an attempt began. */
interface Begun {
  readonly id: string
  /** The store's clock. */
  readonly startedAt: number
  /** The monotonic clock. */
  readonly at: number
}

/**
 * Makes one attempt. Null: nothing was sent, because too little time was left for it. A task that cannot be made ready comes out as
 * quarantined, or due again.
 */
export async function deliver(
  task: Task,
  { deadlineMs, mayStart, signal }: Turn,
  parts: Parts,
  preparer: Preparer,
  time: StoreTime,
): Promise<Attempted | null> {
  const { transport, guard, clock } = parts
  const begun: Begun = { id: parts.ids.attempt(), startedAt: time.now(), at: clock.monotonic() }
  const left = () => begun.at + deadlineMs - clock.monotonic()
  const readyMs = deadlineMs - Math.min(MIN_SEND_MS, deadlineMs / 2)
  const ready = await makeReady(task, readyMs, begun.startedAt, parts, preparer)
  if (ready.kind === 'late') return late(task, deadlineMs, parts)
  if (!mayStart()) return null
  if (ready.kind !== 'ready') return unsent(task, ready, begun, parts)
  const { url, headers, policy } = ready
  const request = { url, headers, body: task.body, deadlineMs: left(), signal, guard }
  const sentAt = clock.monotonic()
  const first = await transport.send(request)
  const spentMs = Math.max(first.timing.totalMs, clock.monotonic() - sentAt)
  const result = first.kind === 'response' ? first : await afterFirst(first, spentMs, request, task, parts)
  const context = contextOf(task, policy, parts, time.now())
  const verdict = judge(result, context)
  const attempt = attemptOf(task, begun, result, verdict)
  const next = nextOf(task, verdict, attempt, thinkingMs(left(), task.group.leaseEnds, parts), parts)
  return {
    outcome: outcomeOf(task, attempt, next instanceof Promise ? await next : next),
    finding: findingOf(task, verdict, result, context),
    timedOut: result.kind === 'failure' && result.code === 'timeout',
    tookMs: result.timing.totalMs,
  }
}

/** Nothing was sent. That a tick ends soon is nobody's fault; where the whole of a deadline went by, somebody has to know. */
function late({ group, delivery }: Task, deadlineMs: number, { timeoutMs, report }: Parts): null {
  if (deadlineMs < timeoutMs) return null
  group.againMs = UNREADY_MS
  const message = `The delivery ${delivery.id} was not sent: \`secrets\` and its signature scheme took nearly all of its ${timeoutMs} ms. It is due again in ${UNREADY_MS / 1000} s; make them answer sooner, or raise timeoutMs.`
  report.problem('deliver', new PosthornError('SIGNING_FAILED', message))
  return null
}

function contextOf(task: Task, policy: RetryPolicy, parts: Parts, nowMs: number) {
  return {
    policy,
    failedInRound: task.stored === null ? 0 : task.stored.attemptCount - task.stored.roundStart,
    nowMs,
    expiresAt: task.stored?.expiresAt ?? task.event.dueAt + task.delivery.maxAgeMs,
    random: parts.random,
    obeyDeliveryHeader: parts.policy.obeyDeliveryHeader,
    gone: parts.policy.gone,
    throttle: parts.policy.throttle,
  }
}

function attemptOf(task: Task, { id, startedAt }: Begun, result: Sent, verdict: Verdict): NewAttempt {
  const answered = result.kind === 'response'
  return {
    id,
    trigger: task.trigger,
    url: shownUrl(task.target.url),
    startedAt,
    durationMs: result.timing.totalMs,
    outcome: verdict.outcome,
    status: result.status ?? null,
    failure: answered ? null : result.code,
    message: answered ? null : result.message,
    excerpt: answered ? result.excerpt : null,
    mayHaveBeenReceived: result.mayHaveBeenReceived ?? false,
    afterLostClaim: task.group.work.lostClaims > 0,
  }
}

/** What becomes of a task that could not be made ready. */
function unsent(
  task: Task,
  ready: Extract<Ready, { readonly cause: unknown }>,
  begun: Begun,
  parts: Parts,
): Attempted {
  const nothing = { finding: null, timedOut: false, tookMs: 0 }
  if (ready.kind === 'unopened') {
    parts.report.problem('open', ready.cause)
    return { outcome: outcomeOf(task, null, later(task)), ...nothing }
  }
  parts.report.problem('deliver', quarantined(task, ready.cause))
  const attempt = failedAttempt(task, begun, parts.clock.monotonic() - begun.at, ready.cause)
  return { outcome: outcomeOf(task, attempt, { state: 'failed', reason: 'quarantined' }), ...nothing }
}

function failedAttempt(task: Task, { id, startedAt }: Begun, durationMs: number, cause: unknown): NewAttempt {
  return {
    id,
    trigger: task.trigger,
    url: shownUrl(task.target.url),
    startedAt,
    durationMs,
    outcome: 'failed',
    status: null,
    failure: 'invalid-request',
    message: cause instanceof Error ? cause.message : 'The request could not be made.',
    excerpt: null,
    mayHaveBeenReceived: false,
    afterLostClaim: task.group.work.lostClaims > 0,
  }
}

/** The outcome of a task; with `attempt` null where no request was made. */
export function outcomeOf(task: Task, attempt: NewAttempt | null, next: Outcome['next']): Outcome {
  return {
    claim: task.group.work.claim,
    tenantId: task.event.tenantId,
    eventId: task.event.id,
    delivery: task.delivery,
    attempt,
    next,
    last: false,
  }
}

function quarantined(task: Task, cause: unknown): PosthornError {
  return new PosthornError(
    'SIGNING_FAILED',
    `The delivery ${task.delivery.id} could not be prepared and is set aside: ${cause instanceof Error ? cause.message : 'unknown cause'}`,
    { cause },
  )
}

/** Nothing was sent, and it is not the receiver's fault: it uses no attempt. */
function later(task: Task): Outcome['next'] {
  if (task.trigger === 'probe') return { state: 'held', always: false, trigger: afterHold(task) }
  return { state: 'pending', delayMs: UNREADY_MS, trigger: task.trigger }
}
