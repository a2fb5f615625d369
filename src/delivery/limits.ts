/**
 * What a subscription can take, read from its settings and from the limits of its tenant. A subscription with any limit
 * that all processes share is *limited*: its deliveries are always held, and sent only when a release let them go.
 */
import type { Ordering, Rate } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { ReleaseRequest } from '../queries.ts'
import type { SubscriptionRecord } from '../records.ts'
import type { TenantLimits } from './policy.ts'

type Row = Pick<SubscriptionRecord, 'id' | 'tenantId' | 'settings'>

/** Whose order it keeps. */
export function orderingOf({ settings }: Row): Ordering {
  return settings.ordering === 'subscription' || settings.ordering === 'key' ? settings.ordering : 'none'
}

/** Its rate. One that is broken in the store limits nothing, for nothing is sent by such a row. */
function rateOf({ settings: { rate } }: Row): Rate | null {
  if (typeof rate !== 'object' || rate === null || !('count' in rate)) return null
  const { count, perMs } = rate
  return isCount(count) && isCount(perMs) ? { count, perMs } : null
}

/** How many of its requests may be in flight. */
const slotsOf = ({ settings: { concurrency } }: Row): number | null =>
  isCount(concurrency) ? concurrency : null

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0

/** True when it keeps an order and a delivery that is given up stops the line. */
export function stopsWhenGivenUp(row: Row): boolean {
  return orderingOf(row) !== 'none' && row.settings.onGivenUp === 'stop'
}

/** True when its deliveries are always held until a release lets them go. */
export function isLimited(row: Row, parts: Pick<Parts, 'policy'>): boolean {
  return (
    orderingOf(row) !== 'none' || rateOf(row) !== null || slotsOf(row) !== null || hasTenantLimits(row, parts)
  )
}

/** True when its tenant has limits that all its subscriptions share. */
export function hasTenantLimits(
  { tenantId }: Row,
  { policy: { tenantLimits } }: Pick<Parts, 'policy'>,
): boolean {
  return tenantLimits !== null && tenantLimits(tenantId) !== null
}

/** How to release its held rows; with `pace`, no faster than that. */
export function releaseOf(row: Row, limit: number, parts: Parts, pace: Rate | null = null): ReleaseRequest {
  const rate = slower(rateOf(row), pace)
  const slots = slotsOf(row)
  const tenant = parts.policy.tenantLimits?.(row.tenantId) ?? null
  return {
    tenantId: row.tenantId,
    subscriptionId: row.id,
    limit,
    ordering: orderingOf(row),
    ...(rate === null ? {} : { rate }),
    ...(slots === null ? {} : { slots }),
    ...(tenant === null ? {} : { tenant: tenantPart(tenant) }),
  }
}

function tenantPart({ rate, concurrency }: TenantLimits): NonNullable<ReleaseRequest['tenant']> {
  return {
    ...(rate === undefined ? {} : { rate }),
    ...(concurrency === undefined ? {} : { slots: concurrency }),
  }
}

function slower(one: Rate | null, other: Rate | null): Rate | null {
  if (one === null || other === null) return one ?? other
  return one.count / one.perMs <= other.count / other.perMs ? one : other
}
