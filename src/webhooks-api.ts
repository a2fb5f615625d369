/** What `createWebhooks` returns, apart from how it is put together. */
import type { Catalog, EventName, EventPayload } from './catalog.ts'
import type { Deliveries } from './deliveries.ts'
import type { Published, PublishOptions } from './delivery/publish.ts'
import type { Attempts } from './history/attempts.ts'
import type { Events as EventHistory } from './history/events.ts'
import type { Health, HealthOptions } from './history/health.ts'
import type { Jobs } from './history/jobs.ts'
import type { Recovery } from './history/recovery.ts'
import type { Stats, StatsOptions } from './history/stats.ts'
import type { Migrated } from './queries.ts'
import type { Resealed } from './sealing/reseal.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Options of `stop`. */
export interface StopOptions {
  /** How long requests in flight may take to end, in ms, 0 to an hour; then they are aborted, marked and retried later. @default 8_000 */
  readonly drainMs?: number
}

/** Options of `tick`. */
export interface TickOptions {
  /**
   * All the time there is, in ms, up to an hour. Nothing is in flight any more when `tick` returns. No request starts with
   * less than 2 s left for it and half a second for what follows, so with a budget under 2,500 nothing is sent.
   */
  readonly budgetMs: number
}

/** One event of `publishMany`. */
export type Publication<Events extends Catalog | null> = {
  [Name in EventName<Events>]: { readonly type: Name; readonly data: EventPayload<Events, Name> } & Omit<
    PublishOptions,
    'tx'
  >
}[EventName<Events>]

/** What `createWebhooks` returns. */
export interface Webhooks<Events extends Catalog | null = null, Tx = never> {
  readonly subscriptions: Subscriptions<Events>
  readonly deliveries: Deliveries & Recovery<Events>
  readonly jobs: Jobs
  readonly attempts: Attempts
  readonly events: EventHistory
  /**
   * How deliveries went in a span, and what waits now; from rollups, so that it costs the same however much was sent.
   *
   * @throws PosthornError `TENANT_REQUIRED`, `INVALID_INPUT`, `CONTRADICTORY_OPTIONS`, `STORE_FAILED`; `NOT_FOUND` for a subscription
   * that the tenant does not have
   */
  stats(options?: StatsOptions): Promise<Stats>
  /** What a health check should alarm on, over all tenants and processes; a store that fails is an answer. @throws PosthornError `INVALID_INPUT` */
  health(options?: HealthOptions): Promise<Health>
  /** The catalogue given as `events`, or null. */
  readonly catalog: Events
  /** The option of this name, or null. */
  readonly defaultTenant: string | null
  /**
   * Stores one event; its deliveries follow. With `tx` it is stored in the caller's transaction. With a `tx` of a synchronous
   * SQLite driver it throws, rather than rejects, what it refuses: a synchronous transaction has committed before a promise rejects.
   *
   * Nothing is stored then, unless the error's `outcomeUnknown` says that nobody knows.
   *
   * @throws PosthornError (a rejection) for the event: `UNKNOWN_EVENT_TYPE`, `INVALID_PAYLOAD`, `PAYLOAD_NOT_SERIALISABLE`,
   * `PAYLOAD_TOO_LARGE`; for the options: `TENANT_REQUIRED`, `INVALID_INPUT`, `INVALID_OPTION` (`retry`, the option `ids`),
   * `CONTRADICTORY_OPTIONS` (`deliverAt` beside `delayMs`), with `to` also `INVALID_URL`, `INVALID_HEADERS`, `INVALID_SECRET`,
   * `SEALER_FAILED`; `CONFLICT` for an id of the option `ids` that is taken; `STORE_FAILED`, `STORE_FULL`, or with `tx` what the
   * driver threw
   */
  publish<Name extends EventName<Events>>(
    type: Name,
    data: EventPayload<Events, Name>,
    options?: PublishOptions<Tx>,
  ): Promise<Published>
  /**
   * Stores up to 10,000 events in one statement, all or none.
   *
   * @throws PosthornError as `publish`, with the entry in `path`; nothing is stored then
   */
  publishMany(
    publications: readonly Publication<Events>[],
    options?: { readonly tx?: Tx },
  ): Promise<readonly Published[]>
  /**
   * Creates the store's tables or brings them to the newest version, where it has any; safe to call from many processes at
   * once. Run it once per version of Posthorn, before `start`.
   *
   * @throws PosthornError `STORE_FAILED` when the database cannot be reached; what else it refuses is the driver's own error
   */
  migrate(): Promise<Migrated>
  /**
   * Starts to deliver in this process. Without it the process only publishes. Called again it changes nothing; after a
   * `stop` it starts anew.
   *
   * @throws PosthornError `STORE_FAILED` when the store cannot be reached or its tables are missing, `INVALID_OPTION` when its client is a single connection
   */
  start(): Promise<void>
  /**
   * Planned stop: loses nothing. Requests in flight may end, what has not started goes back to the queue. Events can still
   * be published afterwards; another process, or the next `start`, delivers them.
   *
   * @throws PosthornError `INVALID_INPUT` for a `drainMs` out of range
   */
  stop(options?: StopOptions): Promise<void>
  /**
   * Delivers what is due within a budget, for cron routes; claims only what it can finish. One at a time: while another
   * tick of this process works it waits, within its budget. Does nothing in a process that has started.
   *
   * @throws PosthornError `INVALID_INPUT`; `STORE_FAILED`, `INVALID_OPTION` as `start`
   */
  tick(options: TickOptions): Promise<void>
  /** Delivers until nothing is due. For tests. @throws PosthornError as `start` */
  drain(): Promise<void>
  /** Looks for due work now, for example after the commit of a publish with `tx`. Never throws. */
  wake(): void
  /**
   * Brings every stored secret, header value and pending one-use destination under the current key of `secrets`. For operators,
   * after a new key was put first in every process. Interrupted, it goes on when it is called again.
   *
   * @throws PosthornError `STORE_FAILED`, `SEALER_FAILED`; what was resealed until then stays so
   */
  resealSecrets(): Promise<Resealed>
  /**
   * Erases every row of a tenant: subscriptions, what is queued, the history, statistics. Safe to repeat. What is in flight ends, and
   * leaves nothing behind; the application must have stopped publishing for the tenant.
   *
   * @throws PosthornError `TENANT_REQUIRED` without a tenant or for `anyTenant`; `STORE_FAILED`, repeat it then
   */
  eraseTenant(tenantId: string): Promise<void>
  /** `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
