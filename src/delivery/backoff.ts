/**
 * When a failed delivery is tried again: a retry policy is a list of delays and a share of jitter, plain JSON
 * so that it can stand in a subscription's row. Pure; chance is passed in.
 */
import type { Random } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { didYouMean } from '../input/closest.ts'
import { type Duration, parseDuration } from '../input/duration.ts'

/** The longest delay that a schedule may hold: 7 days. */
export const MAX_DELAY_MS = 7 * 86_400_000
/** A schedule holds at most this many retries. */
export const MAX_RETRIES = 100
/** A receiver's Retry-After counts up to this: 24 hours. */
export const MAX_RETRY_AFTER_MS = 86_400_000

const DEFAULT_JITTER = 0.2

/** How often, and after which waits, a failed delivery is tried again. */
export interface RetryPolicy {
  /** The wait before the first, second, third … retry, in milliseconds. Empty: no retries. */
  readonly delaysMs: readonly number[]
  /** Each wait grows by a random share of itself between 0 and this (0 to 1). It never shrinks. */
  readonly jitter: number
}

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** Largest random addition to each wait, as a share of it: 0 switches it off. @default 0.2 */
  readonly jitter?: number
}

/** Options of `exponential`. */
export interface ExponentialOptions extends ScheduleOptions {
  /** The wait before the first retry: milliseconds or `'5s'`. */
  readonly first: Duration
  /** Each wait is this many times the one before; at least 1. @default 2 */
  readonly factor?: number
  /** No wait is longer than this. @default '1d' */
  readonly max?: Duration
  /** How many retries, at most 100. */
  readonly retries: number
}

/**
 * Retries after exactly these waits, each counted from the attempt before.
 *
 * @throws PosthornError INVALID_OPTION, naming the entry.
 * @example schedule(['0s', '5s', '30s', '2m'])
 */
export function schedule(delays: readonly Duration[], options: ScheduleOptions = {}): RetryPolicy {
  if (!Array.isArray(delays)) throw invalid('delays', 'must be a list such as ["5s", "5m"]')
  onlyKeys(options, ['jitter'], 'options')
  const delaysMs = delays.map((delay, index) => parseDuration(delay, `delays[${index}]`))
  return checked({ delaysMs, jitter: options.jitter ?? DEFAULT_JITTER }, 'delays', '')
}

/**
 * Retries after waits that grow by a factor up to a ceiling.
 *
 * @throws PosthornError INVALID_OPTION, naming the option.
 * @example exponential({ first: '10s', factor: 3, max: '6h', retries: 12 })
 */
export function exponential(options: ExponentialOptions): RetryPolicy {
  onlyKeys(options, ['first', 'factor', 'max', 'retries', 'jitter'], 'options')
  const { factor = 2, retries } = options
  const first = parseDuration(options.first, 'first')
  const max = parseDuration(options.max ?? '1d', 'max')
  if (!(Number.isFinite(factor) && factor >= 1)) throw invalid('factor', 'must be a number of at least 1')
  if (!(Number.isInteger(retries) && retries >= 0 && retries <= MAX_RETRIES)) {
    throw invalid('retries', `must be a whole number from 0 to ${MAX_RETRIES}`)
  }
  if (first > max) {
    const message = `first (${first} ms) is longer than max (${max} ms). Lower first or raise max.`
    throw new PosthornError('CONTRADICTORY_OPTIONS', message, { path: 'first' })
  }
  // 0 × Infinity is NaN: a first wait of nothing stays nothing however large the factor grows.
  const wait = (index: number) => (first === 0 ? 0 : Math.round(Math.min(first * factor ** index, max)))
  const delaysMs = Array.from({ length: retries }, (_, index) => wait(index))
  return checked({ delaysMs, jitter: options.jitter ?? DEFAULT_JITTER }, 'delays', '')
}

/** One attempt and no retry. */
export const never: RetryPolicy = Object.freeze({ delaysMs: Object.freeze([]), jitter: 0 })

/** 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, each up to 20 % later: about three days. */
export const defaultRetry: RetryPolicy = Object.freeze({
  delaysMs: Object.freeze(
    (['5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'] as const).map((delay) =>
      parseDuration(delay, 'defaultRetry'),
    ),
  ),
  jitter: DEFAULT_JITTER,
})

/** What `retry` takes, as the end of a sentence. */
export const RETRY_RULE =
  "must be a policy: schedule(['5s', '5m']), exponential({ first: '5s', retries: 8 }), or `never`, all imported from 'posthorn'"

/**
 * Checks a policy that comes from outside (an option, a subscription's row) and returns a copy of it.
 *
 * @throws PosthornError INVALID_OPTION whose `path` names the place, for example `retry.delaysMs[2]`.
 */
export function parseRetry(value: unknown): RetryPolicy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('retry', RETRY_RULE)
  }
  onlyKeys(value, ['delaysMs', 'jitter'], 'retry')
  const { delaysMs, jitter } = value as { delaysMs?: unknown; jitter?: unknown }
  if (!Array.isArray(delaysMs)) throw invalid('retry.delaysMs', 'must be a list of milliseconds')
  return checked({ delaysMs, jitter }, 'retry.delaysMs', 'retry.')
}

/**
 * The wait before the next attempt in milliseconds, or null when the schedule is used up.
 *
 * A Retry-After can lengthen the schedule's own wait, up to 24 hours, and never shorten it; jitter comes on top
 * and only ever lengthens.
 *
 * @param failedInRound failed attempts since the schedule (re)started, this one included: 1 after the first.
 */
export function nextDelayMs(
  policy: RetryPolicy,
  failedInRound: number,
  random: Random,
  retryAfterMs: number | null,
): number | null {
  const own = policy.delaysMs[failedInRound - 1]
  if (own === undefined) return null
  const wait = Math.max(own, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS))
  return Math.round(wait * (1 + policy.jitter * random()))
}

function checked(
  policy: { readonly delaysMs: readonly unknown[]; readonly jitter: unknown },
  list: string,
  prefix: string,
): RetryPolicy {
  const { jitter } = policy
  if (policy.delaysMs.length > MAX_RETRIES) {
    throw invalid(list, `has ${policy.delaysMs.length} entries; at most ${MAX_RETRIES} are allowed`)
  }
  if (!(typeof jitter === 'number' && jitter >= 0 && jitter <= 1)) {
    throw invalid(`${prefix}jitter`, 'must be a number from 0 (off) to 1')
  }
  const delaysMs = Array.from(policy.delaysMs, (delay, index) => {
    if (typeof delay === 'number' && Number.isInteger(delay) && delay >= 0 && delay <= MAX_DELAY_MS)
      return delay
    throw invalid(`${list}[${index}]`, 'must be a whole number of milliseconds from 0 to 7 days')
  })
  return { delaysMs, jitter }
}

function onlyKeys(value: object, known: readonly string[], path: string): void {
  if (typeof value !== 'object' || value === null) throw invalid(path, 'must be an object')
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    throw invalid(
      `${path}.${key.slice(0, 64)}`,
      `is not an option; known are ${known.join(', ')}`,
      didYouMean(key, known),
    )
  }
}

function invalid(path: string, problem: string, hint = ''): PosthornError {
  return new PosthornError('INVALID_OPTION', `${path} ${problem}.${hint}`, { path })
}
