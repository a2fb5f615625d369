/** Token buckets of subscriptions, and of whole tenants: rows that a release locks, so that all processes share one. */
import type { ReleaseRequest } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { number, numberOrNull, toMs } from './rows.ts'
import type { Statements } from './session.ts'

/** Where a tenant's own bucket stands among those of its subscriptions, whose ids are never empty. */
export const WHOLE_TENANT = ''

const NEW_PACE = (dialect: Dialect) => `
  insert into {paces} (tenant_id, subscription_id, tokens, refilled_at) values (:tenant, :subscription, null, 0)
  ${dialect.keepExisting('refilled_at')}`
const LOCK_PACE = (dialect: Dialect) => `
  select tokens, refilled_at, {now} as now from {paces}
  where tenant_id = :tenant and subscription_id = :subscription ${dialect.forUpdate}`
const TAKE_TOKENS = `
  update {paces} set tokens = :tokens, refilled_at = :now where tenant_id = :tenant and subscription_id = :subscription`

/** A locked bucket. */
export interface Pace {
  /** The store's clock in µs. */
  readonly now: number
  /** Unlimited without a rate. */
  readonly tokens: number
  /** Takes tokens; says when the bucket has its next one (ms), null where there is no rate. */
  take(count: number): Promise<number | null>
}

/** Locks the bucket and refills it. */
export async function lockPace(
  statements: Statements,
  place: { readonly tenant: string; readonly subscription: string },
  rate: ReleaseRequest['rate'],
): Promise<Pace> {
  await statements.run(NEW_PACE, place)
  const [row] = await statements.rows(LOCK_PACE, place)
  const now = number(row?.now)
  if (rate === undefined) return { now, tokens: Number.POSITIVE_INFINITY, take: async () => null }
  const kept = numberOrNull(row?.tokens ?? null)
  const elapsedMs = toMs(Math.max(0, now - number(row?.refilled_at)))
  // The margin keeps a token that is due at exactly this instant from being lost to rounding.
  const refilled = kept === null ? rate.count : kept + (elapsedMs * rate.count) / rate.perMs + 1e-9
  const tokens = Math.min(rate.count, refilled)
  return {
    now,
    tokens,
    async take(count) {
      const left = tokens - count
      await statements.run(TAKE_TOKENS, { ...place, tokens: left, now })
      return left >= 1 ? toMs(now) : toMs(now) + ((1 - left) * rate.perMs) / rate.count
    },
  }
}
