/** Checks how a subscription wants its deliveries: retries, order, rate, concurrency. What comes out is plain JSON for its row. */
import { parseRetry } from '../delivery/backoff.ts'
import { invalidInput, recordOf } from '../input/known-keys.ts'
import type { JsonValue, Rate } from '../model.ts'

/** The longest span of a rate: 30 days. */
const MAX_PER_MS = 30 * 86_400_000
/** The most that a rate or a concurrency may allow. */
const MAX_COUNT = 1_000_000
const MAX_CONCURRENCY = 10_000

/** The given ones of these fields, as `settings` keeps them; null: the default. @throws PosthornError INVALID_INPUT, INVALID_OPTION */
export function limitsInput(input: Readonly<Record<string, unknown>>): {
  retry?: JsonValue
  ordering?: JsonValue
  onGivenUp?: JsonValue
  rate?: JsonValue
  concurrency?: JsonValue
} {
  const { retry, ordering, onGivenUp, rate, concurrency } = input
  return {
    ...(retry === undefined ? {} : { retry: retry === null ? null : retryInput(retry) }),
    ...(ordering === undefined ? {} : { ordering: oneOf(ordering, 'ordering', ORDERINGS) }),
    ...(onGivenUp === undefined ? {} : { onGivenUp: oneOf(onGivenUp, 'onGivenUp', ['continue', 'stop']) }),
    ...(rate === undefined ? {} : { rate: rate === null ? null : { ...rateInput(rate, 'rate') } }),
    ...(concurrency === undefined
      ? {}
      : { concurrency: concurrency === null ? null : concurrencyInput(concurrency, 'concurrency') }),
  }
}

const ORDERINGS = ['none', 'subscription', 'key']

/** A retry policy as JSON; `'never'` stays a word: it means more than a schedule without entries. @throws PosthornError INVALID_OPTION */
export function retryInput(value: unknown): JsonValue {
  return value === 'never' ? 'never' : JSON.parse(JSON.stringify(parseRetry(value)))
}

/** @throws PosthornError INVALID_INPUT */
export function rateInput(value: unknown, path: string): Rate {
  const { count, perMs } = recordOf(value, ['count', 'perMs'], path)
  return {
    count: wholeNumber(count, `${path}.count`, MAX_COUNT),
    perMs: wholeNumber(perMs, `${path}.perMs`, MAX_PER_MS),
  }
}

/** @throws PosthornError INVALID_INPUT */
export function concurrencyInput(value: unknown, path: string): number {
  return wholeNumber(value, path, MAX_CONCURRENCY)
}

function wholeNumber(value: unknown, path: string, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value
  throw invalidInput(path, `must be a whole number from 1 to ${max}`)
}

function oneOf(value: unknown, path: string, allowed: readonly string[]): string | null {
  if (value === null || (typeof value === 'string' && allowed.includes(value))) return value
  throw invalidInput(path, `must be one of ${allowed.join(', ')}`)
}
