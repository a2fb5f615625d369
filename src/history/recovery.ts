/**
 * The bulk half of `webhooks.deliveries`: sending many things again, or not at all. Each call only orders a job; a
 * worker does it in bounded batches at the pace of the receivers, and `webhooks.jobs.get` says how far it is.
 */
import type { Catalog, EventPattern } from '../catalog.ts'
import { isDeliveryId, notFound } from '../deliveries.ts'
import { cancelSome } from '../delivery/cancel.ts'
import { type JobKind, type JobOrder, newJob, toJson } from '../delivery/jobs/job.ts'
import { PosthornError } from '../errors.ts'
import { instantOf, invalidInput, recordOf, textOf } from '../input/known-keys.ts'
import { type TenantOptions, tenantOf, writingTenantOf } from '../input/tenant.ts'
import { type Delivery, type DeliveryState, isEnded, type TenantScope } from '../model.ts'
import type { Parts } from '../parts.ts'
import { presentDelivery } from '../present.ts'
import { patternsOf } from '../subscriptions/input.ts'
import type { JobHandle } from './jobs.ts'

/** Which deliveries to send again; filters add up. */
export interface RetryAllOptions extends TenantOptions {
  /** Only those of this subscription. @default all of the tenant */
  readonly subscription?: string | undefined
  /** How they stand; `pending` ones become due at once. @default 'failed' */
  readonly status?: DeliveryState | undefined
  /** Created at this instant or later. */
  readonly since?: Date | undefined
  /** Created before this instant. @default now */
  readonly until?: Date | undefined
  /** Exact event type. */
  readonly type?: string | undefined
}

/** Which events to give a subscription that never got them. */
export interface ReplayOptions<Events extends Catalog | null = null> extends TenantOptions {
  readonly subscription: string
  /** Published at this instant or later, also before the subscription was created. @default since it was created */
  readonly since?: Date | undefined
  /** Published before this instant. @default now */
  readonly until?: Date | undefined
  /** Names and patterns, besides the subscription's own. @default all that it wants */
  readonly types?: readonly EventPattern<Events>[] | undefined
}

/** See `Recovery.replay`. */
export interface FullReplayOptions<Events extends Catalog | null = null> extends ReplayOptions<Events> {
  /** Also what was delivered already: everything in the range is sent again. @default false */
  readonly succeededToo?: boolean | undefined
}

/** Which pending deliveries to cancel; at least one of the two. */
export interface CancelOptions extends TenantOptions {
  readonly subscription?: string | undefined
  /** An event's id. */
  readonly event?: string | undefined
}

/**
 * Bulk calls. All throw TENANT_REQUIRED, INVALID_INPUT, and NOT_FOUND for a subscription that the tenant does not have.
 * Attempts stay as they are: sending again adds attempts, with the same webhook-id and a fresh signature.
 */
export interface Recovery<Events extends Catalog | null = null> {
  /** Opens deliveries again that stood so when it was called, each with a fresh schedule. */
  retryAll(options?: RetryAllOptions): Promise<JobHandle>
  /**
   * Gives a subscription the events of a time span that it never got: those it has no delivery of (it was disabled, or
   * chose otherwise then) and those whose delivery failed or was cancelled.
   */
  replay(options: FullReplayOptions<Events>): Promise<JobHandle>
  /** Like `replay`, but only events that the subscription has no delivery of at all. */
  replayMissing(options: ReplayOptions<Events>): Promise<JobHandle>
  /**
   * Cancels one pending delivery, by id or number. What a worker has claimed by now may still be sent: a request in flight is
   * not called back (its success counts, its failure is not retried), nor one that is about to start.
   *
   * @throws PosthornError NOT_FOUND; CONFLICT when it has ended otherwise
   */
  cancel(id: string | number, options?: TenantOptions): Promise<Delivery>
  /** Cancels what is pending of a subscription, or of an event, as a job. */
  cancel(options: CancelOptions): Promise<JobHandle>
}

const RETRY_KEYS = ['tenantId', 'subscription', 'status', 'since', 'until', 'type']
const REPLAY_KEYS = ['tenantId', 'subscription', 'since', 'until', 'types']
const STATES: readonly DeliveryState[] = ['failed', 'cancelled', 'pending', 'succeeded']

/** Builds the bulk half of `webhooks.deliveries`. */
export function createRecovery<Events extends Catalog | null = null>(parts: Parts): Recovery<Events> {
  const { store, defaultTenant } = parts

  async function start(kind: JobKind, tenantId: string, order: JobOrder): Promise<JobHandle> {
    const jobId = await store.addJob(tenantId, toJson(newJob(kind, order, await store.now())))
    parts.wake()
    return { jobId }
  }

  /** The tenant of the subscription, or without one the tenant that was named. */
  async function ownerOf(options: TenantOptions, subscription: unknown): Promise<string> {
    if (subscription === undefined) return writingTenantOf(options, defaultTenant)
    const scope: TenantScope = tenantOf(options, defaultTenant)
    const id = textOf(subscription, 'subscription', 1, 64)
    const row = await store.getSubscription(scope, id)
    if (row === null)
      throw new PosthornError('NOT_FOUND', `No subscription "${id}" of this tenant`, { path: 'subscription' })
    return row.tenantId
  }

  async function startReplay(
    kind: 'replay' | 'replayMissing',
    options: FullReplayOptions<Events>,
    keys: readonly string[],
  ): Promise<JobHandle> {
    recordOf(options, keys, 'the options')
    if (options.subscription === undefined) throw invalidInput('subscription', 'must be the id of one')
    const types = options.types === undefined ? undefined : patternsOf(options.types, parts.catalog, 'types')
    const order: JobOrder = {
      subscriptionId: options.subscription,
      ...spanOf(options),
      ...(types === undefined ? {} : { types }),
      succeededToo: flagOf(options.succeededToo, 'succeededToo'),
    }
    return start(kind, await ownerOf(options, options.subscription), order)
  }

  async function cancelOne(id: string | number, options: TenantOptions | undefined): Promise<Delivery> {
    const scope = tenantOf(options, defaultTenant)
    const row = isDeliveryId(id) ? await store.getDelivery(scope, id) : null
    if (row === null) throw notFound(id)
    const [cancelled] = (await cancelSome(parts, { tenantId: row.tenantId, deliveryId: row.id }, 1)).cancelled
    if (cancelled !== undefined) return presentDelivery(cancelled)
    const now = (await store.getDelivery(row.tenantId, row.id)) ?? row
    if (isEnded(now.state) && now.state !== 'cancelled')
      throw new PosthornError(
        'CONFLICT',
        `Delivery "${row.id}" has ${now.state}: only a pending one can be cancelled`,
      )
    return presentDelivery(now)
  }

  async function cancelAll(options: CancelOptions): Promise<JobHandle> {
    recordOf(options, ['tenantId', 'subscription', 'event'], 'the options')
    const { subscription, event } = options
    if (subscription === undefined && event === undefined)
      throw invalidInput('subscription', 'or `event` must say what to cancel')
    return start('cancel', await ownerOf(options, subscription), {
      ...(subscription === undefined ? {} : { subscriptionId: subscription }),
      ...(event === undefined ? {} : { eventId: textOf(event, 'event', 1, 64) }),
    })
  }

  function cancel(id: string | number, options?: TenantOptions): Promise<Delivery>
  function cancel(options: CancelOptions): Promise<JobHandle>
  async function cancel(what: string | number | CancelOptions, options?: TenantOptions) {
    return typeof what === 'object' && what !== null ? cancelAll(what) : cancelOne(what, options)
  }

  return {
    async retryAll(options = {}) {
      recordOf(options, RETRY_KEYS, 'the options')
      const { subscription, status, type } = options
      if (status !== undefined && !STATES.includes(status))
        throw invalidInput('status', `must be one of ${STATES.join(', ')}`)
      const order: JobOrder = {
        ...(subscription === undefined ? {} : { subscriptionId: subscription }),
        ...(status === undefined ? {} : { state: status }),
        ...(type === undefined ? {} : { type: textOf(type, 'type', 1, 128) }),
        ...spanOf(options),
      }
      return start('retryAll', await ownerOf(options, subscription), order)
    },
    replay: async (options) => startReplay('replay', options, [...REPLAY_KEYS, 'succeededToo']),
    replayMissing: async (options) => startReplay('replayMissing', options, REPLAY_KEYS),
    cancel,
  }
}

function spanOf(options: { readonly since?: Date | undefined; readonly until?: Date | undefined }): JobOrder {
  const since = instantOf(options.since, 'since')
  const until = instantOf(options.until, 'until')
  if (since !== undefined && until !== undefined && since >= until)
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      '`since` is not before `until`: nothing lies between them',
      {
        path: 'since',
      },
    )
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) }
}

function flagOf(value: unknown, path: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw invalidInput(path, 'must be true or false')
  return value === true
}
