/**
 * The limits that all subscriptions of a tenant share, as the host gives them: the same for every tenant, or by a function, which is
 * held to the same rules. One that fails must not cost a delivery: what it gave for this tenant last goes on to count.
 */
import { PosthornError } from '../errors.ts'
import { recordOf } from '../input/known-keys.ts'
import { ignoreRejection, isThenable } from '../input/thenable.ts'
import { concurrencyInput, rateInput } from '../subscriptions/limits-input.ts'
import type { PolicyOptions, TenantLimits } from './policy.ts'

/** The limits of a tenant; null: none. Never throws. */
export type TenantLimitsOf = (tenantId: string) => TenantLimits | null

/** Tenants whose last limits are remembered. */
const REMEMBERED = 10_000

/** @param problem Told each time the function fails. */
export function tenantLimitsOf(
  given: PolicyOptions['tenantLimits'],
  problem: (error: PosthornError) => void,
): TenantLimitsOf | null {
  if (given === undefined) return null
  return typeof given === 'function' ? held(given, problem) : () => given
}

/** @throws PosthornError INVALID_INPUT */
export function tenantLimitsInput(value: unknown): TenantLimits {
  const { rate, concurrency } = recordOf(value, ['rate', 'concurrency'], 'tenantLimits')
  return {
    ...(rate === undefined ? {} : { rate: rateInput(rate, 'tenantLimits.rate') }),
    ...(concurrency === undefined
      ? {}
      : { concurrency: concurrencyInput(concurrency, 'tenantLimits.concurrency') }),
  }
}

function held(limitsOf: TenantLimitsOf, problem: (error: PosthornError) => void): TenantLimitsOf {
  const last = new Map<string, TenantLimits>()

  function remember(tenantId: string, limits: TenantLimits | null): void {
    last.delete(tenantId)
    if (limits === null) return
    last.set(tenantId, limits)
    const [oldest] = last.keys()
    if (last.size > REMEMBERED && oldest !== undefined) last.delete(oldest)
  }

  return (tenantId) => {
    try {
      const limits = resultOf(limitsOf(tenantId))
      remember(tenantId, limits)
      return limits
    } catch (cause) {
      problem(failed(cause))
      return last.get(tenantId) ?? null
    }
  }
}

function resultOf(value: unknown): TenantLimits | null {
  if (value === null || value === undefined) return null
  if (!isThenable(value)) return tenantLimitsInput(value)
  ignoreRejection(value)
  throw new TypeError('it returned a promise')
}

function failed(cause: unknown): PosthornError {
  const why = cause instanceof Error ? cause.message : 'it threw'
  return new PosthornError(
    'INVALID_OPTION',
    `The function \`tenantLimits\` failed (${why}), so the limits that it gave last for the tenant still count, or none. It must return { rate, concurrency } or null, at once and without throwing.`,
    { path: 'tenantLimits', cause },
  )
}
