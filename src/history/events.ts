/** `webhooks.events`: what was published. */
import { PosthornError } from '../errors.ts'
import { filterText } from '../input/filter-text.ts'
import { isId, shownId } from '../input/id-input.ts'
import { instantOf, recordOf } from '../input/known-keys.ts'
import { type Listed, PAGE_KEYS, type PageOptions, pageOf } from '../input/page.ts'
import { type TenantListOptions, type TenantOptions, tenantFilterOf, tenantOf } from '../input/tenant.ts'
import type { Event } from '../model.ts'
import type { Parts } from '../parts.ts'
import { presentEvent } from '../present.ts'

/** Which events to list; filters add up. */
export interface EventListOptions extends TenantListOptions, PageOptions {
  /** Exact event type. */
  readonly type?: string | undefined
  /** Published at this instant or later. */
  readonly since?: Date | undefined
  /** Published before this instant. */
  readonly until?: Date | undefined
}

/** The events. */
export interface Events {
  /** @throws PosthornError NOT_FOUND, also for another tenant's */
  get(id: string, options?: TenantOptions): Promise<Event>
  /** Newest first. @throws PosthornError INVALID_INPUT, INVALID_CURSOR, CONTRADICTORY_OPTIONS, TENANT_REQUIRED */
  list(options?: EventListOptions): Promise<Listed<Event>>
}

const KEYS = ['type', 'since', 'until', 'tenantId', 'tenantIds', ...PAGE_KEYS]

/** Builds `webhooks.events`. */
export function createEvents(parts: Parts): Events {
  return {
    async get(id, options) {
      const scope = tenantOf(options, parts.defaultTenant)
      const row = isId(id) ? await parts.store.getEvent(scope, id) : null
      if (!row) throw new PosthornError('NOT_FOUND', `No event ${shownId(id)} of this tenant (pruned?)`)
      return presentEvent(row)
    },
    async list(options = {}) {
      recordOf(options, KEYS, 'the options')
      const plan = pageOf(options)
      const since = instantOf(options.since, 'since')
      const until = instantOf(options.until, 'until')
      const rows = await parts.store.listEvents(
        {
          tenant: tenantFilterOf(options, parts.defaultTenant),
          ...filterText(options, ['type']),
          ...(since === undefined ? {} : { since }),
          ...(until === undefined ? {} : { until }),
        },
        plan.page,
      )
      return plan.listed(rows, ({ publishedAt, id }) => ({ at: publishedAt, id }), presentEvent)
    },
  }
}
