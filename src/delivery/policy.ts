/**
 * How receivers are treated: every option of the delivery policy with its default. Plain data, checked once at
 * construction; `docs/delivery-policy.md` explains how the settings work together.
 */
import { z } from 'zod/v4'
import type { PosthornError } from '../errors.ts'
import { withDefaults } from '../input/with-defaults.ts'
import type { Rate } from '../model.ts'
import { EVENT_NAME } from '../patterns.ts'
import type { FailureKind } from './failure-kinds.ts'
import { type TenantLimitsOf, tenantLimitsInput, tenantLimitsOf } from './tenant-limits.ts'

/** When a subscription counts as broken, and how it is tried again. */
export interface BreakerOptions {
  /** It is paused after this many failures in a row … @default 5 */
  readonly failures?: number
  /** … of at least this many deliveries. @default 2 */
  readonly deliveries?: number
  /** Or when this share (0 to 1) of the attempts of the last `windowMs` has failed … @default 0.7 */
  readonly failureShare?: number
  /** … and there were at least this many. @default 10 */
  readonly attempts?: number
  /** @default 300_000 (5 minutes) */
  readonly windowMs?: number
  /** In either case the failures span at least this long. @default 10_000 */
  readonly spanMs?: number
  /** The first probe comes this long after the pause, each later one twice as long after the one before. @default 30_000 */
  readonly firstProbeMs?: number
  /** Probes are never further apart. @default 3_600_000 (1 hour) */
  readonly maxProbeMs?: number
  /** A backlog is released at this many a second at first, twice as many after each second. @default 5 */
  readonly releasePerSecond?: number
}

/** When a subscription that only fails is disabled. */
export interface DisableOptions {
  /** After nothing but failures for this long … @default 5 days */
  readonly spanMs?: number
  /** … and at least this many of them. @default 5 */
  readonly attempts?: number
}

/** What all subscriptions of one tenant may take together, over all processes. */
export interface TenantLimits {
  readonly rate?: Rate
  /** Requests in flight at a time, 1 to 10,000. */
  readonly concurrency?: number
}

/** A failed attempt, as `retryIf` sees it. */
export interface FailedAttempt {
  readonly tenantId: string
  /** Null for a one-use destination. */
  readonly subscriptionId: string | null
  readonly eventId: string
  readonly eventType: string
  readonly deliveryId: string
  /** 1 for the first attempt of the delivery. */
  readonly number: number
  readonly kind: FailureKind
  /** HTTP status, or null when none came. */
  readonly status: number | null
  /** The first 16 KB of the answer, or null. */
  readonly excerpt: string | null
}

/** The part of the options that says how receivers are treated. */
export interface PolicyOptions {
  /** Pauses subscriptions that keep failing; `false`: never. @default on */
  readonly breaker?: BreakerOptions | false
  /** Disables subscriptions that have only failed for days; `false`: never. @default 5 days */
  readonly disableAfter?: DisableOptions | false
  /**
   * Limits that all subscriptions of a tenant share, for every tenant or by tenant (null: none). The function is asked often, so it
   * must answer at once. When it throws, or returns something else, what it gave last for the tenant counts and `problem` is told.
   * @default none
   */
  readonly tenantLimits?: TenantLimits | ((tenantId: string) => TenantLimits | null)
  /**
   * Whom 429 and 503 slow down: the whole subscription, which is paused, or only the delivery that got them. Either way
   * it is not tried again before `Retry-After`. @default 'subscription'
   */
  readonly throttle?: 'subscription' | 'delivery'
  /** What 410 does: disable the subscription, or count as any other failure. @default 'disable' */
  readonly gone?: 'disable' | 'retry'
  /**
   * Asked after each attempt that would be tried again; `false` ends the delivery as failed (refused). A promise has what is left of
   * the attempt's time, an eighth of `timeoutMs` at least. @default always
   */
  readonly retryIf?: (attempt: FailedAttempt) => boolean | Promise<boolean>
  /** A connect that fails in under a second is tried once more at once, within the same attempt. @default true */
  readonly quickSecondTry?: boolean
  /** Obey `webhook-delivery: abort-message | disable` in answers. @default false */
  readonly obeyDeliveryHeader?: boolean
  /** Also publish notices as events of this type to the tenant they concern. @default only hooks are told */
  readonly notices?: { readonly eventType: string }
}

/** The same with every default filled in. */
export interface Policy {
  readonly breaker: Required<BreakerOptions> | null
  /** Used where the breaker is off, too: 429 and 503 may pause a subscription as well. */
  readonly pace: Pick<Required<BreakerOptions>, 'firstProbeMs' | 'maxProbeMs' | 'releasePerSecond'>
  readonly disableAfter: Required<DisableOptions> | null
  /** Never throws. */
  readonly tenantLimits: TenantLimitsOf | null
  readonly throttle: 'subscription' | 'delivery'
  readonly gone: 'disable' | 'retry'
  readonly retryIf: PolicyOptions['retryIf'] | null
  readonly quickSecondTry: boolean
  readonly obeyDeliveryHeader: boolean
  readonly noticeType: string | null
}

const DAY_MS = 86_400_000
const BREAKER: Required<BreakerOptions> = {
  failures: 5,
  deliveries: 2,
  failureShare: 0.7,
  attempts: 10,
  windowMs: 300_000,
  spanMs: 10_000,
  firstProbeMs: 30_000,
  maxProbeMs: 3_600_000,
  releasePerSecond: 5,
}
const DISABLE: Required<DisableOptions> = { spanMs: 5 * DAY_MS, attempts: 5 }

/** Fills in the defaults. @param problem Told of a function of the host that fails. */
export function policyOf(
  options: PolicyOptions,
  problem: (error: PosthornError) => void = () => undefined,
): Policy {
  const { breaker = {}, disableAfter = {}, tenantLimits } = options
  const given = withDefaults(BREAKER, breaker === false ? {} : breaker)
  return {
    breaker: breaker === false ? null : given,
    pace: given,
    disableAfter: disableAfter === false ? null : withDefaults(DISABLE, disableAfter),
    tenantLimits: tenantLimitsOf(tenantLimits, problem),
    throttle: options.throttle ?? 'subscription',
    gone: options.gone ?? 'disable',
    retryIf: options.retryIf ?? null,
    quickSecondTry: options.quickSecondTry ?? true,
    obeyDeliveryHeader: options.obeyDeliveryHeader ?? false,
    noticeType: options.notices?.eventType ?? null,
  }
}

const fn = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
)
const ms = z
  .int()
  .min(1)
  .max(90 * DAY_MS)
const count = z.int().min(1).max(1_000_000)

/** How the options are checked. */
export const policyShape = {
  breaker: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          failures: count.optional(),
          deliveries: count.optional(),
          failureShare: z.number().gt(0).max(1).optional(),
          attempts: count.optional(),
          windowMs: ms.optional(),
          spanMs: z.int().min(0).max(DAY_MS).optional(),
          firstProbeMs: ms.optional(),
          maxProbeMs: ms.optional(),
          releasePerSecond: count.optional(),
        }),
      ],
      { error: 'must be false or an object such as `{ failures: 10 }`; leave it out for the defaults' },
    )
    .optional(),
  disableAfter: z
    .union([z.literal(false), z.strictObject({ spanMs: ms.optional(), attempts: count.optional() })], {
      error: 'must be false or `{ spanMs?, attempts? }`',
    })
    .optional(),
  tenantLimits: z
    .union([fn, z.custom<TenantLimits>(isTenantLimits, 'must be { rate, concurrency }')], {
      error: 'must be `{ rate?, concurrency? }` or a function that returns it for a tenant',
    })
    .optional(),
  throttle: z.enum(['subscription', 'delivery']).optional(),
  gone: z.enum(['disable', 'retry']).optional(),
  retryIf: fn.optional(),
  quickSecondTry: z.boolean().optional(),
  obeyDeliveryHeader: z.boolean().optional(),
  notices: z.strictObject({ eventType: z.string().regex(EVENT_NAME, 'must be an event name') }).optional(),
}

function isTenantLimits(value: unknown): boolean {
  try {
    tenantLimitsInput(value)
    return true
  } catch {
    return false
  }
}
