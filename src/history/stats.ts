/** `webhooks.stats`: how deliveries went, read from rollups, never from the attempts themselves. */
import { quantile } from '../delivery/latency-scale.ts'
import { HOUR_MS, MINUTE_MS, NO_TENANT } from '../delivery/statistics.ts'
import { PosthornError } from '../errors.ts'
import { instantOf, invalidInput, recordOf, textOf } from '../input/known-keys.ts'
import { type TenantListOptions, tenantFilterOf } from '../input/tenant.ts'
import type { TenantFilter } from '../lists.ts'
import type { BreakerState, TenantScope } from '../model.ts'
import type { Parts } from '../parts.ts'
import { dateOf, presentSubscription } from '../present.ts'
import type { RollupRecord } from '../records.ts'

/** How fine statistics are. Minutes are kept for two days, hours for 90. */
export type Bucket = 'minute' | 'hour' | 'day'

/** What to count. */
export interface StatsOptions extends TenantListOptions {
  /** The same as `tenantId`; set one of them. */
  readonly tenant?: TenantScope | undefined
  /** Only this subscription. @default all of the tenant */
  readonly subscription?: string | undefined
  /** From this instant's bucket on. @default 24 hours before `until` */
  readonly since?: Date | undefined
  /** Up to this instant's bucket. @default now */
  readonly until?: Date | undefined
  /** @default by the span: up to 2 hours minutes, up to 14 days hours, else days */
  readonly bucket?: Bucket | undefined
}

/** What was counted in a span. */
export interface Counts {
  /** Requests made, and how they went. */
  readonly attempts: number
  readonly succeeded: number
  readonly failed: number
  /** Failed requests of all, 0 to 1; null without any. */
  readonly errorRate: number | null
  /** Requests by the status that was answered. */
  readonly statuses: Readonly<Record<string, number>>
  /** Requests without usable answer, by failure code. */
  readonly failures: Readonly<Record<string, number>>
  /** Milliseconds, right to a tenth or so; null without requests. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null
  /** Deliveries that ended, and how. */
  readonly deliveries: { readonly succeeded: number; readonly failed: number; readonly cancelled: number }
  /** Requests per ended delivery; null when none ended. */
  readonly attemptsPerDelivery: number | null
}

/** What was counted in one bucket. */
export interface CountsAt extends Counts {
  /** Start of the bucket, in UTC. */
  readonly at: Date
}

/** Statistics of a span, and what waits now. Estimates above 10,000 where it waits. */
export interface Stats extends Counts {
  readonly since: Date
  readonly until: Date
  readonly bucket: Bucket
  /** Oldest first; those in which nothing happened are left out. */
  readonly buckets: readonly CountsAt[]
  /** Queue rows that are due or wait for their time. */
  readonly backlog: number
  /** When the oldest of them was due that is due; null when none is. */
  readonly oldestDueAt: Date | null
  /** Queue rows that wait for their subscription. */
  readonly held: number
  /** With `subscription`: why the breaker holds it, or null. */
  readonly breaker: BreakerState | null
}

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: 24 * HOUR_MS }
const KEYS = ['tenantId', 'tenantIds', 'tenant', 'subscription', 'since', 'until', 'bucket']
const MAX_BUCKETS = 3_000

/**
 * Builds `webhooks.stats`.
 *
 * @throws PosthornError TENANT_REQUIRED, INVALID_INPUT, CONTRADICTORY_OPTIONS; NOT_FOUND for a subscription that the tenant
 * does not have
 */
export function createStats(parts: Parts): (options?: StatsOptions) => Promise<Stats> {
  const { store, defaultTenant, statistics } = parts

  async function ownerOf(
    tenant: TenantFilter,
    id: string,
  ): Promise<{ readonly tenant: string; readonly breaker: BreakerState | null }> {
    const scopes: readonly TenantScope[] = Array.isArray(tenant) ? tenant : [tenant as TenantScope]
    for (const scope of scopes) {
      const row = await store.getSubscription(scope, id)
      if (row !== null)
        return { tenant: row.tenantId, breaker: (await presentSubscription(row, parts)).breaker }
    }
    throw new PosthornError('NOT_FOUND', `No subscription "${id}" of this tenant`, { path: 'subscription' })
  }

  return async (options = {}) => {
    recordOf(options, KEYS, 'the options')
    const tenant = tenantFilterOf(withTenant(options), defaultTenant)
    const { subscription } = options
    const id = subscription === undefined ? undefined : textOf(subscription, 'subscription', 1, 64)
    const { since, until, bucket } = spanOf(options, await store.now())
    const owner = id === undefined ? null : await ownerOf(tenant, id)
    await statistics.flush()
    const only = id === undefined ? {} : { subscriptionId: id }
    const bucketMs = bucket === 'minute' ? MINUTE_MS : HOUR_MS
    const rollups = (await store.readRollups({ tenant, ...only, bucketMs, since, until })).filter(
      (row) => row.tenantId !== NO_TENANT,
    )
    const waiting = await store.backlog({ tenant: owner?.tenant ?? tenant, ...only })
    return {
      ...countsOf(rollups),
      since: dateOf(since),
      until: dateOf(until),
      bucket,
      buckets: inBuckets(rollups, BUCKET_MS[bucket]),
      backlog: waiting.due + waiting.scheduled,
      oldestDueAt: waiting.oldestDueAt === null ? null : dateOf(waiting.oldestDueAt),
      held: waiting.held,
      breaker: owner?.breaker ?? null,
    }
  }
}

function withTenant({ tenant, ...options }: StatsOptions): TenantListOptions {
  if (tenant === undefined) return options
  if (options.tenantId === undefined && options.tenantIds === undefined) return { tenantId: tenant }
  const message = 'Both `tenant` and `tenantId` (or `tenantIds`) are set: leave one out'
  throw new PosthornError('CONTRADICTORY_OPTIONS', message, { path: 'tenant' })
}

/** Whole buckets around the span that was asked for. */
function spanOf(options: StatsOptions, now: number): { since: number; until: number; bucket: Bucket } {
  const end = instantOf(options.until, 'until') ?? now
  const start = instantOf(options.since, 'since') ?? end - 24 * HOUR_MS
  if (start > end)
    throw new PosthornError('CONTRADICTORY_OPTIONS', '`since` is after `until`: nothing lies between them', {
      path: 'since',
    })
  const { bucket = bucketFor(end - start) } = options
  const width = Object.hasOwn(BUCKET_MS, bucket) ? BUCKET_MS[bucket] : undefined
  if (width === undefined) throw invalidInput('bucket', `must be one of ${Object.keys(BUCKET_MS).join(', ')}`)
  const since = Math.floor(start / width) * width
  const until = Math.floor(end / width) * width + width
  if ((until - since) / width > MAX_BUCKETS)
    throw invalidInput(
      'bucket',
      `\`${bucket}\` makes more than ${MAX_BUCKETS} buckets of this span: take a wider one`,
    )
  return { since, until, bucket }
}

function bucketFor(spanMs: number): Bucket {
  if (spanMs <= 2 * HOUR_MS) return 'minute'
  return spanMs <= 14 * 24 * HOUR_MS ? 'hour' : 'day'
}

function inBuckets(rollups: readonly RollupRecord[], widthMs: number): CountsAt[] {
  const groups = new Map<number, RollupRecord[]>()
  for (const rollup of rollups) {
    const at = Math.floor(rollup.bucketAt / widthMs) * widthMs
    const group = groups.get(at)
    if (group === undefined) groups.set(at, [rollup])
    else group.push(rollup)
  }
  return [...groups].sort(([a], [b]) => a - b).map(([at, group]) => ({ at: dateOf(at), ...countsOf(group) }))
}

function countsOf(rollups: readonly RollupRecord[]): Counts {
  const counters = new Map<string, number>()
  const histogram: number[] = []
  for (const rollup of rollups) {
    for (const [name, value] of Object.entries(rollup.counters))
      counters.set(name, (counters.get(name) ?? 0) + value)
    for (const [step, value] of rollup.histogram.entries()) histogram[step] = (histogram[step] ?? 0) + value
  }
  const of = (name: string) => counters.get(name) ?? 0
  const named = (prefix: string) =>
    Object.fromEntries(
      [...counters].flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    )
  const deliveries = {
    succeeded: of('ended.succeeded'),
    failed: of('ended.failed'),
    cancelled: of('ended.cancelled'),
  }
  const ended = deliveries.succeeded + deliveries.failed + deliveries.cancelled
  const attempts = of('attempts')
  return {
    attempts,
    succeeded: of('succeeded'),
    failed: of('failed'),
    errorRate: attempts === 0 ? null : of('failed') / attempts,
    statuses: named('status.'),
    failures: named('failure.'),
    latencyMs: latencyOf(histogram),
    deliveries,
    attemptsPerDelivery: ended === 0 ? null : of('ended.attempts') / ended,
  }
}

function latencyOf(histogram: readonly number[]): Counts['latencyMs'] {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(histogram, share))
  if (p50 == null || p95 == null || p99 == null) return null
  return { p50, p95, p99 }
}
