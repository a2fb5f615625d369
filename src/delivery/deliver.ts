/**
 * One attempt, as a straight list of steps over one task: prepare, sign, send, judge. What comes out is data;
 * recording it is a separate step. Read this file first.
 */
import { isPosthornError, PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../queries.ts'
import type { NewAttempt } from '../records.ts'
import { sealerFailed } from '../sealing.ts'
import { shownUrl } from '../shown-url.ts'
import type { SignatureHeaders } from '../signing/scheme.ts'
import type { Signer } from '../signing/signers/signer.ts'
import { never, parseRetry, type RetryPolicy } from './backoff.ts'
import type { Finding } from './condition.ts'
import { findingOf, nextOf } from './consequences.ts'
import { fillHeaders } from './header-templates.ts'
import { afterHold } from './hold.ts'
import { judge, type Verdict } from './judge.ts'
import type { Prepared, Preparer, StoreTime } from './prepare.ts'
import { deliveryHeaders } from './row-check.ts'
import { afterFirst, type Sent } from './second-try.ts'
import type { Task } from './task.ts'
import { TookTooLong, within } from './within.ts'

/** How soon a delivery is due again that the host's `secrets` could not open. */
const UNOPENED_MS = 30_000

/** What an attempt came to. */
export interface Delivered {
  readonly outcome: Outcome
  /** What it showed about the subscription; null where it says nothing about the receiver. */
  readonly finding: Finding | null
  readonly timedOut: boolean
  readonly tookMs: number
}

/** Makes one attempt. Never rejects: a task that cannot be prepared comes out as quarantined, or due again. */
export async function deliver(
  task: Task,
  deadlineMs: number,
  signal: AbortSignal,
  parts: Parts,
  preparer: Preparer,
  time: StoreTime,
): Promise<Delivered> {
  const id = parts.ids.attempt()
  const startedAt = time.now()
  const begun = parts.clock.monotonic()
  try {
    const preparing = prepare(task, preparer, startedAt)
    const prepared = preparing instanceof Promise ? await opened(preparing, deadlineMs, parts) : preparing
    const signing = sign(task, prepared, startedAt)
    const signed =
      signing instanceof Promise
        ? await within(signing, deadlineMs, parts.clock, 'the signature scheme')
        : signing
    const headers = headersOf(task, prepared, startedAt, signed)
    const { transport, guard, clock } = parts
    const request = { url: prepared.url, headers, body: task.body, deadlineMs, signal, guard }
    const sentAt = clock.monotonic()
    const first = await transport.send(request)
    const spentMs = Math.max(first.timing.totalMs, clock.monotonic() - sentAt)
    const result = first.kind === 'response' ? first : await afterFirst(first, spentMs, request, task, parts)
    const context = contextOf(task, parts, time.now())
    const verdict = judge(result, context)
    const attempt = attemptOf(task, id, startedAt, result, verdict)
    const next = nextOf(task, verdict, attempt, parts)
    return {
      outcome: outcomeOf(task, attempt, next instanceof Promise ? await next : next),
      finding: findingOf(task, verdict, result, context),
      timedOut: result.kind === 'failure' && result.code === 'timeout',
      tookMs: result.timing.totalMs,
    }
  } catch (cause) {
    if (isPosthornError(cause, 'SEALER_FAILED')) {
      parts.report.problem('open', cause)
      return { outcome: outcomeOf(task, null, later(task)), finding: null, timedOut: false, tookMs: 0 }
    }
    parts.report.problem('deliver', quarantined(task, cause))
    const attempt = failedAttempt(task, id, startedAt, parts.clock.monotonic() - begun, cause)
    return {
      outcome: outcomeOf(task, attempt, { state: 'failed', reason: 'quarantined' }),
      finding: null,
      timedOut: false,
      tookMs: 0,
    }
  }
}

function prepare(task: Task, preparer: Preparer, now: number): Prepared | Promise<Prepared> {
  const { subscription } = task.target
  if (subscription !== null)
    return preparer.kept(subscription, now) ?? preparer.subscription(subscription, now)
  return preparer.destination(task.delivery.destination ?? '', task.event.tenantId, now)
}

/** What waits for the host's `secrets` longer than an attempt may take has failed like one that throws; a row that is wrong is not. */
function opened(preparing: Promise<Prepared>, limitMs: number, { clock }: Parts): Promise<Prepared> {
  return within(preparing, limitMs, clock, '`secrets`').catch((cause) => {
    throw cause instanceof TookTooLong ? sealerFailed(cause) : cause
  })
}

const secondsOf = (now: number): number => Math.floor(now / 1000)

function sign({ event: { id, type }, body }: Task, prepared: Prepared, now: number): ReturnType<Signer> {
  return prepared.sign({ id, type, timestamp: secondsOf(now), body })
}

function headersOf(
  task: Task,
  prepared: Prepared,
  now: number,
  signed: SignatureHeaders,
): Record<string, string> {
  const own = task.delivery.headers
  if (own === null && !prepared.hasHeaders) return { 'content-type': 'application/json', ...signed }
  const { id, type } = task.event
  const values = {
    'event.type': type,
    'event.id': id,
    'delivery.attempt': String((task.stored?.attemptCount ?? 0) + 1),
    timestamp: String(secondsOf(now)),
  }
  return {
    'content-type': 'application/json',
    ...fillHeaders(prepared.headers, values),
    ...deliveryHeaders(own),
    ...signed,
  }
}

/** The event's policy, else the subscription's, else the default. */
function policyOf(task: Task, parts: Parts): RetryPolicy {
  const own = task.event.settings.retry ?? task.target.subscription?.settings.retry ?? null
  return own === null ? parts.retry : own === 'never' ? never : parseRetry(own)
}

function contextOf(task: Task, parts: Parts, nowMs: number) {
  return {
    policy: policyOf(task, parts),
    failedInRound: task.stored === null ? 0 : task.stored.attemptCount - task.stored.roundStart,
    nowMs,
    expiresAt: task.stored?.expiresAt ?? task.event.dueAt + task.delivery.maxAgeMs,
    random: parts.random,
    obeyDeliveryHeader: parts.policy.obeyDeliveryHeader,
    gone: parts.policy.gone,
    throttle: parts.policy.throttle,
  }
}

function attemptOf(task: Task, id: string, startedAt: number, result: Sent, verdict: Verdict): NewAttempt {
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

function failedAttempt(
  task: Task,
  id: string,
  startedAt: number,
  durationMs: number,
  cause: unknown,
): NewAttempt {
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
  return { state: 'pending', delayMs: UNOPENED_MS, trigger: task.trigger }
}
