/** `webhooks.attempts`: the log of requests, one row per attempt, newest first. */

import { filterText } from '../input/filter-text.ts'
import { instantOf, recordOf } from '../input/known-keys.ts'
import { type Listed, PAGE_KEYS, type PageOptions, pageOf } from '../input/page.ts'
import { type TenantListOptions, tenantFilterOf } from '../input/tenant.ts'
import type { Attempt } from '../model.ts'
import type { Parts } from '../parts.ts'
import { presentAttempt } from '../present.ts'

/** Which attempts to list; filters add up. */
export interface AttemptListOptions extends TenantListOptions, PageOptions {
  readonly subscriptionId?: string | undefined
  readonly deliveryId?: string | undefined
  readonly eventId?: string | undefined
  /** Exact event type. */
  readonly type?: string | undefined
  /** Started at this instant or later. */
  readonly since?: Date | undefined
  /** Started before this instant. */
  readonly until?: Date | undefined
}

/** The attempts. */
export interface Attempts {
  /** Newest first. @throws PosthornError INVALID_INPUT, INVALID_CURSOR, CONTRADICTORY_OPTIONS, TENANT_REQUIRED */
  list(options?: AttemptListOptions): Promise<Listed<Attempt>>
}

const TEXTS = ['subscriptionId', 'deliveryId', 'eventId', 'type'] as const
const KEYS = [...TEXTS, 'since', 'until', 'tenantId', 'tenantIds', ...PAGE_KEYS]

/** Builds `webhooks.attempts`. */
export function createAttempts(parts: Parts): Attempts {
  return {
    async list(options = {}) {
      recordOf(options, KEYS, 'the options')
      const plan = pageOf(options)
      const since = instantOf(options.since, 'since')
      const until = instantOf(options.until, 'until')
      const rows = await parts.store.listAttempts(
        {
          tenant: tenantFilterOf(options, parts.defaultTenant),
          ...filterText(options, TEXTS),
          ...(since === undefined ? {} : { since }),
          ...(until === undefined ? {} : { until }),
        },
        plan.page,
      )
      return plan.listed(rows, ({ startedAt, id }) => ({ at: startedAt, id }), presentAttempt)
    },
  }
}
