/**
 * CONTRACT, part two: what a store does. Three groups: subscriptions, the queue, the history. The doc comments
 * state the MUSTs: what is atomic, who wins a race, what null means. `posthorn/testing` proves them;
 * `stores/memory.ts` is the readable reference.
 *
 * For every operation: it is atomic; concurrent calls behave as if one came after the other; rows of another
 * tenant than the scope's do not exist; arguments are never changed and results are never shared with the store: what a caller does
 * to either once it has its answer changes no row; it rejects only when the store itself fails.
 */

import type {
  AttemptFilter,
  DeliveryFilter,
  EventFilter,
  JobFilter,
  Page,
  Rows,
  SubscriptionFilter,
  TenantFilter,
} from './lists.ts'
import type { JsonObject, SubscriptionState, TenantScope, Trigger } from './model.ts'
import type {
  Appended,
  AppendOptions,
  Claimed,
  ClaimRequest,
  DeletedSubscription,
  DeliveryPlace,
  DestinationChange,
  JobEnd,
  Migrated,
  Outcome,
  PendingDestination,
  PruneRequest,
  Recorded,
  Released,
  ReleaseRequest,
  ReplayEntry,
  Replayed,
} from './queries.ts'
import type {
  AttemptRecord,
  Claim,
  DeliveryRecord,
  EventRecord,
  NewEvent,
  NewSubscription,
  RollupRecord,
  StoredJob,
  SubscriptionPatch,
  SubscriptionRecord,
} from './records.ts'

/**
 * The store. `Tx` is the caller's transaction handle that `append` accepts (`never`: none).
 */
export interface Store<Tx = never> {
  /** For messages, for example `memory` or `postgres`. */
  readonly name: string
  /** False when all is lost with the process. */
  readonly durable: boolean
  /** Makes ready, checks the schema. Rejects with a sentence that names the fix. May be called twice. */
  open(): Promise<void>
  /**
   * Optional: rejects with a PosthornError `INVALID_OPTION` where events can be published and nothing must ever be claimed (the
   * client is a single connection, whose session is the caller's). Asked before `open` by whatever is about to work.
   */
  checkWork?(): Promise<void>
  /**
   * Where there is a schema: creates it or brings it to the version that this code needs, forward only, one process at a
   * time. Says what it did: the versions before and after, and the names of what was applied.
   */
  migrate?(): Promise<Migrated>
  /** Releases what the store itself opened, never the caller's client. May be called twice. */
  close(): Promise<void>
  /**
   * Optional: true when a statement in this transaction has run, or failed, before a call returns (synchronous drivers of
   * SQLite). `publish` then throws what it refuses, since a synchronous transaction has committed before a promise rejects.
   */
  runsAtOnce?(tx: Tx): boolean
  /** The store's clock. */
  now(): Promise<number>
  /**
   * Optional hint: calls `listener` when work may have become due. Returns the way to stop. `warn` is told, once, when hints
   * were asked for and do not arrive.
   */
  onWake?(listener: () => void, warn?: (message: string) => void): () => void

  // ── subscriptions ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * Inserts and returns the row, or null when the tenant already has this id, or else `'limit'` when it has `perTenant` subscriptions
   * already, of whatever state. Bumps the tenant's version.
   */
  insertSubscription(
    subscription: NewSubscription,
    limits?: { perTenant?: number },
  ): Promise<SubscriptionRecord | null | 'limit'>
  getSubscription(scope: TenantScope, id: string): Promise<SubscriptionRecord | null>
  /**
   * Changes the row if it matches `guard`; returns it afterwards, null when it does not exist, `'conflict'` when the
   * guard did not hold. Bumps the version unless the patch names nothing but `condition`. Setting `state: 'disabled'` stamps disabledAt
   * (another state clears it), and `state` other than active lets `record` hold its deliveries from then on.
   */
  updateSubscription(
    scope: TenantScope,
    id: string,
    patch: SubscriptionPatch,
    guard?: { readonly revision?: number; readonly states?: readonly SubscriptionState[] },
  ): Promise<SubscriptionRecord | null | 'conflict'>
  /** Removes it and cancels its pending deliveries, claimed ones too. Returns what it was, and those; or null. Bumps the version. */
  deleteSubscription(scope: TenantScope, id: string): Promise<DeletedSubscription | null>
  listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<Rows<SubscriptionRecord>>
  /** A tenant's subscriptions of every state with `after < id ≤ upTo`, in byte order of their ids, with the tenant's version, 0 for none. */
  snapshot(
    tenantId: string,
    range: { readonly after: string | null; readonly upTo: string | null; readonly limit: number },
  ): Promise<{
    readonly version: number
    readonly subscriptions: readonly SubscriptionRecord[]
    readonly more: boolean
  }>

  // ── the queue ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Stores the events and one queue row each (none for skipped ones; a delivery row and its queue row for one with an
   * addressee), all or nothing. Of two with the same (tenant, id) or (tenant, idempotencyKey) the first wins, also between
   * concurrent calls and within one; an idempotency key also wins over a different id, and over an event that has the id: a
   * duplicate by id leaves no key. A delivery id of an addressee that the tenant has already rejects the call, which then has stored
   * nothing. Returns one entry per event, in order, and the version of each event's tenant, as `claim` does.
   */
  append(
    events: readonly NewEvent[],
    options?: AppendOptions<Tx>,
  ): Promise<{ readonly appended: readonly Appended[]; readonly versions: ReadonlyMap<string, number> }>
  /**
   * Leases due rows: due and unclaimed, or with their lease over. A row is never given to two callers at a time. Goes
   * round the tenants, so that no tenant waits behind another's backlog. Counts each claim as lost until an outcome of it is
   * recorded or it is handed back. A row that only a newer version of the store understands is nobody's work here: it is handed
   * back at once, due some seconds later, for a worker of that version.
   */
  claim(request: ClaimRequest): Promise<Claimed>
  /** Which of the event's deliveries are recorded: the subscription ids in the range, in byte order. */
  expanded(
    tenantId: string,
    eventId: string,
    range: { readonly after: string | null; readonly upTo: string | null },
  ): Promise<readonly string[]>
  /** Replaces a claimed event row by unclaimed rows of these ranges, due at once. False when the claim was lost. */
  split(
    claim: Claim,
    ranges: readonly { readonly after: string | null; readonly upTo: string | null }[],
  ): Promise<boolean>
  /**
   * Records outcomes. Each is checked on its own, under its row's lock; one result each, in order.
   * With a live claim: inserts the delivery if the event has none for this subscription, adds the attempt with the next
   * number, applies `next`, and for a DeliveryWork removes or re-dates the queue row (an EventWork's stays until `finish`;
   * its pending deliveries get queue rows of their own, with the event's position). Clears the row's lost claims.
   * With a lost claim: a failure adds its attempt as late to an existing delivery and changes nothing; a success adds its
   * attempt (late) and, if the delivery is missing, the delivery; it turns pending into succeeded and removes its queue row.
   * An ended delivery keeps its state; a late attempt only shows in its count and in what came last (`attemptCount`, `lastStatus`,
   * `lastFailure`, `updatedAt`). For a DeliveryWork the delivery's id decides; for an EventWork a delivery of that id counts only if it is the
   * event's for this subscription, else the id is taken. A repeated attempt id changes nothing; its answer shows the attempt that is there. An attempt id is
   * never given to two deliveries of a tenant.
   */
  record(outcomes: readonly Outcome[]): Promise<readonly Recorded[]>
  /** Removes claimed event rows and jobs whose handling is complete. Lost claims are skipped. Returns how many were removed. */
  finish(claims: readonly Claim[]): Promise<number>
  /**
   * Gives claimed rows back, due `delayMs` from now, with their lost-claim counts as before the claim; a job may carry its
   * progress. Like `hold` and `release` it leaves a delivery's `updatedAt` as it is. Lost claims are skipped. Returns how many were given back.
   */
  handBack(
    entries: readonly { readonly claim: Claim; readonly delayMs: number; readonly job?: JsonObject }[],
  ): Promise<number>
  /**
   * Takes claimed event rows out of the order, for good: what had to keep it is recorded, so that they block no release any more.
   * They stay claimed. Lost claims are skipped. Returns how many were taken out.
   */
  leaveOrder(claims: readonly Claim[]): Promise<number>
  /**
   * Makes unclaimed rows of a subscription held, due ones and scheduled ones, at most `limit`; a claim whose lease is over is none, and
   * is lost then. Returns how many.
   */
  hold(tenantId: string, subscriptionId: string, limit: number): Promise<number>
  /**
   * Makes held rows due, lowest position first. Tokens and slots are taken in the same step. A row stays *released* until
   * it ends, is held again, or an outcome makes it pending; claims, lost ones too, and hand-backs do not change that.
   */
  release(request: ReleaseRequest): Promise<Released>
  /** Subscriptions with held rows, in order of (tenant, subscription) after the given one. `count` may stop at 1,000. */
  listHeld(page: {
    readonly after: { readonly tenantId: string; readonly subscriptionId: string } | null
    readonly limit: number
  }): Promise<
    readonly { readonly tenantId: string; readonly subscriptionId: string; readonly count: number }[]
  >
  /**
   * Ends pending, unclaimed deliveries whose expiresAt has come as failed (expired); a claim whose lease is over is none, and is lost
   * then. Returns them.
   */
  expire(limit: number): Promise<readonly DeliveryRecord[]>
  /** Cancels pending deliveries of a tenant, claimed ones too, at most `limit`. Returns them. */
  cancel(
    filter: {
      readonly tenantId: string
      readonly subscriptionId?: string
      readonly eventId?: string
      readonly deliveryId?: string
    },
    limit: number,
  ): Promise<readonly DeliveryRecord[]>
  /**
   * Opens an ended delivery again (pending, due at once, a new round, a new maximum age), or makes a pending one due at
   * once; one that is claimed right now stays as it is. `destination` replaces an erased one. `'pruned'` when the body is gone.
   * A row that was once given the trigger `manual`, here, by `replay`, by `release` or by an outcome, is outside the order from then
   * on: it waits for nobody and blocks nobody.
   */
  redeliver(
    scope: TenantScope,
    deliveryId: string,
    options: { readonly trigger: Trigger; readonly maxAgeMs: number; readonly destination?: string },
  ): Promise<DeliveryRecord | null | 'pruned'>
  /**
   * Gives subscriptions deliveries that the fan-out did not: each pending, due at once, its trigger `manual`, its maximum
   * age counted from now, outside the order. Locks the event row; one result each, in order. A delivery id that the tenant has already,
   * of an entry that would get a delivery, rejects the call, which then has stored nothing.
   */
  replay(tenantId: string, entries: readonly ReplayEntry[]): Promise<readonly Replayed[]>
  /**
   * The one-use destinations of pending deliveries, claimed and held ones too: a walk over all tenants, up to `limit` of them a
   * page, strictly after `after` (null: from the start). A page may have fewer, or none; the walk ends where `next` is null, and
   * goes on after `next` elsewhere. It meets once whatever was pending from its beginning to its end.
   */
  listDestinations(page: { readonly after: DeliveryPlace | null; readonly limit: number }): Promise<{
    readonly destinations: readonly PendingDestination[]
    readonly next: DeliveryPlace | null
  }>
  /**
   * Replaces sealed destinations, each only while its delivery is pending and its destination is, byte for byte, still `from`: an
   * ended delivery stays without one. Nothing else of the delivery changes, its claim and `updatedAt` neither. Returns how many it replaced.
   */
  replaceDestinations(changes: readonly DestinationChange[]): Promise<number>
  /** Adds a bulk job, due at once. Returns its queue row's id. */
  addJob(tenantId: string, job: JsonObject): Promise<string>
  /** A bulk job as it was added, last handed back, or ended; null when there is none of this id in scope (any more). */
  getJob(scope: TenantScope, id: string): Promise<StoredJob | null>
  /** Bulk jobs that are in the queue, claimed ones and ended ones too, by (addedAt, number). `page.after.id` is a number as text. */
  listJobs(filter: JobFilter, page: Page): Promise<Rows<StoredJob>>
  /**
   * Ends a bulk job, claimed or not, while its state is one of `end.states`: sets `end.fields`, leaves its other fields as they were
   * last handed back, and makes it unclaimed, due `delayMs` from now, its lost claims forgotten. Whoever had it claimed has lost the
   * claim: what it hands back changes nothing. Of this and a hand-back at the same time the one that locks the row first wins.
   * Returns the job afterwards; null when there is none of this id in scope; `'conflict'` when its state was another.
   */
  endJob(scope: TenantScope, id: string, end: JobEnd): Promise<StoredJob | null | 'conflict'>
  /** How much is queued: due now, scheduled, held; the due time of the oldest due row. A claimed row counts by its due time. Estimates above 10,000 are fine. */
  backlog(filter: { readonly tenant: TenantFilter; readonly subscriptionId?: string }): Promise<{
    readonly due: number
    readonly scheduled: number
    readonly held: number
    readonly oldestDueAt: number | null
  }>

  // ── the history ────────────────────────────────────────────────────────────────────────────────────────

  getEvent(scope: TenantScope, id: string): Promise<EventRecord | null>
  listEvents(filter: EventFilter, page: Page): Promise<Rows<EventRecord>>
  /** By id, or by number. */
  getDelivery(scope: TenantScope, id: string | number): Promise<DeliveryRecord | null>
  listDeliveries(filter: DeliveryFilter, page: Page): Promise<Rows<DeliveryRecord>>
  listAttempts(filter: AttemptFilter, page: Page): Promise<Rows<AttemptRecord>>
  /** Adds to the rows of the same (tenant, subscription, type, bucket, slot), or inserts them. */
  addRollups(rollups: readonly RollupRecord[]): Promise<void>
  /** Rollups of buckets with bucketAt ≥ since, < until, of every slot, summed up per (tenant, subscription, type, bucket): the slot of a sum is empty. */
  readRollups(filter: {
    readonly tenant: TenantFilter
    readonly subscriptionId?: string
    readonly bucketMs: number
    readonly since: number
    readonly until: number
  }): Promise<readonly RollupRecord[]>
  /** Removes rollups of this width whose bucket began before `ageMs` ago, at most `limit` rows. Returns how many. */
  pruneRollups(request: {
    readonly bucketMs: number
    readonly ageMs: number
    readonly limit: number
  }): Promise<number>
  /** Removes old history, at most `limit` events a call; never what is undelivered. Returns counts. */
  prune(
    request: PruneRequest,
  ): Promise<{ readonly events: number; readonly bodies: number; readonly keys: number }>
  /**
   * Erases every row of a tenant, at most `limit` events a call; subscriptions and queue rows go first, claimed ones too. True when
   * nothing is left. Each call that leaves something bumps the tenant's version; then it has none, which reads as 0, and a version that
   * it gets later is greater than all that it had.
   */
  eraseTenant(tenantId: string, limit: number): Promise<boolean>
}
