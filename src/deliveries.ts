/** `webhooks.deliveries`: what is owed to whom, how it stands, and sending it again. */
import { destinationOf, type OneUseDestination } from './delivery/destination.ts'
import { PosthornError } from './errors.ts'
import { filterText } from './input/filter-text.ts'
import { isId, shownId } from './input/id-input.ts'
import { instantOf, invalidInput, recordOf } from './input/known-keys.ts'
import { type Listed, PAGE_KEYS, type PageOptions, pageOf } from './input/page.ts'
import { type TenantListOptions, type TenantOptions, tenantFilterOf, tenantOf } from './input/tenant.ts'
import { type Delivery, type DeliveryState, isEnded } from './model.ts'
import type { Parts } from './parts.ts'
import { presentDelivery } from './present.ts'
import type { DeliveryRecord } from './records.ts'

/** Which deliveries to list; filters add up. */
export interface DeliveryListOptions extends TenantListOptions, PageOptions {
  readonly subscriptionId?: string | undefined
  readonly eventId?: string | undefined
  /** Exact event type. */
  readonly type?: string | undefined
  readonly state?: DeliveryState | undefined
  /** The same as `state`; set one of them. */
  readonly status?: DeliveryState | undefined
  /** Created at this instant or later. */
  readonly since?: Date | undefined
  /** Created before this instant. */
  readonly until?: Date | undefined
}

/** How to deliver again. */
export interface RedeliverOptions extends TenantOptions {
  /** For deliveries to a one-use destination, which is erased when they end: where to send it now. */
  readonly to?: OneUseDestination | undefined
}

/** The deliveries. */
export interface Deliveries {
  /** By id or number. @throws PosthornError NOT_FOUND, also for another tenant's */
  get(id: string | number, options?: TenantOptions): Promise<Delivery>
  /** Newest first. @throws PosthornError INVALID_INPUT, INVALID_CURSOR, CONTRADICTORY_OPTIONS, TENANT_REQUIRED */
  list(options?: DeliveryListOptions): Promise<Listed<Delivery>>
  /**
   * Opens an ended delivery again with the same webhook-id and a fresh schedule, or makes a pending one due at once.
   *
   * @throws PosthornError NOT_FOUND; EVENT_PRUNED when the body is gone; DESTINATION_REQUIRED for an ended delivery to
   * a one-use destination without `to`; CONTRADICTORY_OPTIONS for `to` with a delivery of a subscription
   */
  redeliver(id: string | number, options?: RedeliverOptions): Promise<Delivery>
}

const TEXTS = ['subscriptionId', 'eventId', 'type'] as const
const KEYS = [...TEXTS, 'state', 'status', 'since', 'until', 'tenantId', 'tenantIds', ...PAGE_KEYS]
const STATES: readonly DeliveryState[] = ['pending', 'succeeded', 'failed', 'cancelled']

/** Builds `webhooks.deliveries`. */
export function createDeliveries(parts: Parts): Deliveries {
  const { store, defaultTenant } = parts

  async function find(id: string | number, options: TenantOptions | undefined): Promise<DeliveryRecord> {
    const scope = tenantOf(options, defaultTenant)
    const row = isDeliveryId(id) ? await store.getDelivery(scope, id) : null
    if (!row) throw notFound(id)
    return row
  }

  return {
    get: async (id, options) => presentDelivery(await find(id, options)),
    async list(options = {}) {
      recordOf(options, KEYS, 'the options')
      const plan = pageOf(options)
      const state = stateOf(options)
      const since = instantOf(options.since, 'since')
      const until = instantOf(options.until, 'until')
      const rows = await store.listDeliveries(
        {
          tenant: tenantFilterOf(options, defaultTenant),
          ...filterText(options, TEXTS),
          ...(state === undefined ? {} : { state }),
          ...(since === undefined ? {} : { since }),
          ...(until === undefined ? {} : { until }),
        },
        plan.page,
      )
      return plan.listed(rows, ({ createdAt, id }) => ({ at: createdAt, id }), presentDelivery)
    },
    async redeliver(id, options = {}) {
      recordOf(options, ['tenantId', 'to'], 'the options')
      const row = await find(id, options)
      const { to } = options
      if (row.subscriptionId !== null && to !== undefined)
        throw new PosthornError(
          'CONTRADICTORY_OPTIONS',
          `\`to\` is set, but the delivery belongs to subscription ${row.subscriptionId}: leave \`to\` out`,
          { path: 'to' },
        )
      if (row.subscriptionId === null && isEnded(row.state) && to === undefined)
        throw new PosthornError(
          'DESTINATION_REQUIRED',
          'The one-use destination was erased when the delivery ended: pass `to: { url, secret }`',
          { path: 'to' },
        )
      const destination = to === undefined ? undefined : await destinationOf(to, row.tenantId, parts)
      const opened = await store.redeliver(row.tenantId, row.id, {
        trigger: 'manual',
        maxAgeMs: parts.maxAgeMs,
        ...(destination === undefined ? {} : { destination }),
      })
      if (opened === null) throw notFound(id)
      if (opened === 'pruned')
        throw new PosthornError(
          'EVENT_PRUNED',
          `The body of event ${row.eventId} has been pruned and cannot be sent again: publish it anew`,
        )
      parts.wake()
      return presentDelivery(opened)
    },
  }
}

function stateOf({ state, status }: DeliveryListOptions): DeliveryState | undefined {
  if (state !== undefined && status !== undefined)
    throw new PosthornError('CONTRADICTORY_OPTIONS', 'Both `state` and `status` are set: leave one out', {
      path: 'status',
    })
  const asked = state ?? status
  if (asked !== undefined && !STATES.includes(asked))
    throw invalidInput(state === undefined ? 'status' : 'state', `must be one of ${STATES.join(', ')}`)
  return asked
}

/** True for what `get` and the like may be given: an id, or a number. */
export const isDeliveryId = (id: unknown): id is string | number =>
  typeof id === 'number' ? Number.isSafeInteger(id) && id > 0 : isId(id)

/** The error for a delivery that is not there. */
export const notFound = (id: unknown): PosthornError =>
  new PosthornError('NOT_FOUND', `No delivery ${shownId(id)} of this tenant (pruned?)`)
