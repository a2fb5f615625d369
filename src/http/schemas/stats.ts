/** Statistics and health as JSON. */
import { z } from 'zod/v4'
import type { Health, Stats } from '../../index.ts'
import { idText, instantIn, instantOut } from './field.ts'
import { described, named } from './named.ts'
import { breakerState } from './subscription.ts'

/** The query of stats; all of it narrows. */
export const statsQuery = {
  since: described(instantIn().optional(), 'From this instant’s bucket on; a day before `until` by default.'),
  until: described(instantIn().optional(), 'Up to this instant’s bucket; now by default.'),
  bucket: described(z.enum(['minute', 'hour', 'day']).optional(), 'By the span without it.'),
}

/** The query of the tenant's stats. */
export const tenantStatsQuery = {
  ...statsQuery,
  subscription: described(idText().optional(), 'Only this subscription.'),
}

const counted = z.record(z.string(), z.number()).readonly()
const counts = {
  attempts: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  errorRate: described(z.number().nullable(), 'Failed requests of all, 0 to 1; null without any.'),
  statuses: counted,
  failures: counted,
  latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).readonly().nullable(),
  deliveries: z.object({ succeeded: z.number(), failed: z.number(), cancelled: z.number() }).readonly(),
  attemptsPerDelivery: z.number().nullable(),
}

/** Statistics of a span. */
export const stats = named(
  'Stats',
  z.object({
    ...counts,
    since: instantOut(),
    until: instantOut(),
    bucket: z.enum(['minute', 'hour', 'day']),
    buckets: z.array(z.object({ ...counts, at: instantOut() }).readonly()).readonly(),
    backlog: z.number(),
    oldestDueAt: instantOut().nullable(),
    held: z.number(),
    breaker: breakerState().nullable(),
  }) satisfies z.ZodType<Stats>,
  'How deliveries went in a span, and what waits now.',
)

/** How the sender is. */
export const health = named(
  'Health',
  z.object({
    healthy: z.boolean(),
    problems: z.array(z.string()).readonly(),
    storeReachable: z.boolean(),
    oldestDueAgeMs: z.number().nullable(),
    lagMs: z.number().nullable(),
    workersSeen: z.number().nullable(),
    lastClaimAt: instantOut().nullable(),
  }) satisfies z.ZodType<Health>,
  'How the sender is, over all tenants and processes.',
)
