/**
 * Everything of an attempt that comes before its first byte: open, sign, fill the headers. Host code may take its time here, so all of
 * it has one limit, after which the request would have too little left. Nothing is sent, whatever it comes to.
 */
import { isPosthornError, type PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { sealerFailed } from '../sealing.ts'
import type { SignatureHeaders } from '../signing/scheme.ts'
import type { Signer } from '../signing/signers/signer.ts'
import { never, parseRetry, type RetryPolicy } from './backoff.ts'
import { fillHeaders } from './header-templates.ts'
import type { Prepared, Preparer } from './prepare.ts'
import { deliveryHeaders } from './row-check.ts'
import type { Task } from './task.ts'
import { TookTooLong, within } from './within.ts'

/** What the preparation of a request came to. */
export type Ready =
  | {
      readonly kind: 'ready'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly policy: RetryPolicy
    }
  /** It took so long that the request would have too little time. */
  | { readonly kind: 'late' }
  /** The host's `secrets` cannot be reached: it may go again soon. */
  | { readonly kind: 'unopened'; readonly cause: PosthornError }
  /** It can never be sent as it is. */
  | { readonly kind: 'broken'; readonly cause: unknown }

const LATE = { kind: 'late' } as const

/** Makes a request ready within `limitMs`; `now` is the store's clock. Never rejects. */
export async function makeReady(
  task: Task,
  limitMs: number,
  now: number,
  parts: Parts,
  preparer: Preparer,
): Promise<Ready> {
  const { clock } = parts
  const ends = clock.monotonic() + limitMs
  const left = () => ends - clock.monotonic()
  let signMs = limitMs
  try {
    const preparing = prepare(task, preparer, now)
    const prepared = preparing instanceof Promise ? await opened(preparing, left(), parts) : preparing
    signMs = left()
    const signing = sign(task, prepared, now)
    const signed =
      signing instanceof Promise ? await within(signing, signMs, clock, 'the signature scheme') : signing
    const headers = headersOf(task, prepared, now, signed)
    const policy = policyOf(task, parts)
    return left() < 0 ? LATE : { kind: 'ready', url: prepared.url, headers, policy }
  } catch (cause) {
    if (isPosthornError(cause, 'SEALER_FAILED')) return { kind: 'unopened', cause }
    if (cause instanceof TookTooLong && hadLittle(signMs, parts)) return LATE
    return { kind: 'broken', cause }
  }
}

function prepare(task: Task, preparer: Preparer, now: number): Prepared | Promise<Prepared> {
  const { subscription } = task.target
  if (subscription !== null)
    return preparer.kept(subscription, now) ?? preparer.subscription(subscription, now)
  return preparer.destination(task.delivery.destination ?? '', task.event.tenantId, now)
}

/** What had little time, because a tick ends soon or because opening took it, is not to blame. */
const hadLittle = (limitMs: number, { timeoutMs }: Parts): boolean => limitMs < timeoutMs / 2

/** What waits for the host's `secrets` for too long has failed like one that throws; a row that is wrong is not. */
function opened(preparing: Promise<Prepared>, limitMs: number, parts: Parts): Promise<Prepared> {
  return within(preparing, limitMs, parts.clock, '`secrets`').catch((cause) => {
    throw cause instanceof TookTooLong && !hadLittle(limitMs, parts) ? sealerFailed(cause) : cause
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
