/**
 * CONTRACT, part two: what a store does. Three groups: subscriptions, the queue, the history. The doc comments
 * state the MUSTs: what is atomic, who wins a race, what null means. `posthorn/testing` proves them;
 * `stores/memory.ts` is the readable reference.
 *
 * For every operation: it is atomic; concurrent calls behave as if one came after the other; rows of another
 * tenant than the scope's do not exist; arguments are never changed and results are never shared with the store;
 * it rejects only when the store itself fails.
 */
import type {
  DeliveryState,
  FailureReason,
  JsonObject,
  Metadata,
  SubscriptionState,
  TenantScope,
  Trigger,
} from './model.ts'
import type {
  AttemptRecord,
  Claim,
  DeliveryRecord,
  EventRecord,
  NewAttempt,
  NewDelivery,
  NewEvent,
  NewSubscription,
  RollupRecord,
  SubscriptionPatch,
  SubscriptionRecord,
  Work,
} from './records.ts'

/** A page of a list: by key (rows strictly after `after`) or by `offset`. */
export interface Page {
  /** Rows at most; the engine passes 1 to 1,001. */
  readonly limit: number
  /** Newest first by (instant, id) unless `oldest`. */
  readonly order?: 'newest' | 'oldest'
  readonly after?: { readonly at: number; readonly id: string }
  readonly offset?: number
  /** Count all matching rows, too. */
  readonly total?: boolean
}

/** Rows of a page; `total` is null unless it was asked for. */
export interface Rows<Row> {
  readonly rows: readonly Row[]
  readonly total: number | null
}

/** Tenants whose rows a list shows: one, several, or every. */
export type TenantFilter = TenantScope | readonly string[]

export interface SubscriptionFilter {
  readonly tenant: TenantFilter
  readonly state?: SubscriptionState
  /** Holds this exact name or pattern, or a pattern that matches it. `matchesPattern` of `patterns.ts` decides. */
  readonly eventType?: string
  /** Each key has exactly this value. */
  readonly metadata?: Metadata
}

export interface EventFilter {
  readonly tenant: TenantFilter
  readonly type?: string
  /** publishedAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

export interface DeliveryFilter {
  readonly tenant: TenantFilter
  readonly subscriptionId?: string
  readonly eventId?: string
  readonly type?: string
  readonly state?: DeliveryState
  /** createdAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

export interface AttemptFilter {
  readonly tenant: TenantFilter
  readonly subscriptionId?: string
  readonly deliveryId?: string
  readonly eventId?: string
  readonly type?: string
  /** startedAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

/** How `append` treats its events. */
export interface AppendOptions<Tx> {
  /** The caller's own transaction: every statement runs in it, before `append` returns its promise if the driver is synchronous. */
  readonly tx?: Tx
  /** Append due events already claimed by this worker, the first `room` of them. Never together with `tx`. */
  readonly claim?: { readonly token: string; readonly leaseMs: number; readonly room: number }
}

export interface Appended {
  /** The stored event; the first one where it is a duplicate. */
  readonly event: EventRecord
  /** True when this tenant already had an event of this id or idempotency key: nothing was stored then. */
  readonly duplicate: boolean
  /** The work, when it was appended already claimed. */
  readonly work: Work | null
}

/** What a worker can take. */
export interface ClaimRequest {
  /** Fresh and random for every call. */
  readonly token: string
  readonly leaseMs: number
  readonly limit: number
  /** Rows of one tenant at most, as long as rows of other tenants are due and the limit is not reached. */
  readonly perTenant: number
  /** Delivery rows of one subscription at most, unless `shares` says otherwise. */
  readonly perSubscription: number
  /** Free share of single subscriptions; 0 leaves it out. */
  readonly shares: ReadonlyMap<string, number>
  /** Claim one suspect row (lostClaims ≥ 2) and nothing else; without it suspect rows are left where they are. */
  readonly alone: boolean
  /** Only tenants whose bucket (`tenantBucket` of `patterns.ts`, 0–255) is in from..to, both included. */
  readonly buckets?: { readonly from: number; readonly to: number }
}

export interface Claimed {
  /** In the order of their due times within a tenant. */
  readonly work: readonly Work[]
  /** The store's clock. */
  readonly now: number
  /** Subscription version of each tenant in `work`; grows with every change of its subscriptions. */
  readonly versions: ReadonlyMap<string, number>
  /** True when suspect rows are due: claim them with `alone`. */
  readonly suspects: boolean
  /** The earliest due time or lease end of what was left, or null when nothing is queued. May be in the past. */
  readonly nextDueAt: number | null
}

/** What an outcome does to its delivery. */
export type Next =
  | { readonly state: 'succeeded' }
  | { readonly state: 'failed'; readonly reason: FailureReason }
  | { readonly state: 'cancelled' }
  /** Due again `delayMs` after the store's now. */
  | { readonly state: 'pending'; readonly delayMs: number; readonly trigger: Trigger }
  /** Held until released; a store honours it only while the subscription is not active or `always` is set: else it is due at once. */
  | { readonly state: 'held'; readonly always: boolean; readonly trigger: Trigger }

/** One outcome, fenced by its claim. */
export interface Outcome {
  readonly claim: Claim
  readonly tenantId: string
  readonly eventId: string
  /** For an EventWork the delivery to insert; for a DeliveryWork the one it stands for (`id` decides). */
  readonly delivery: NewDelivery
  /** Null where no request was made (held, refused before sending, expired). */
  readonly attempt: NewAttempt | null
  readonly next: Next
}

/** What became of an outcome. */
export interface Recorded {
  /**
   * `recorded`: applied. `late`: the claim was lost; see `record`. `repeated`: this attempt id (or, without an
   * attempt, this delivery) was recorded before; nothing changed. `gone`: the event or subscription was deleted
   * meanwhile; nothing was inserted.
   */
  readonly result: 'recorded' | 'late' | 'repeated' | 'gone'
  /** The delivery afterwards; null when there is none. */
  readonly delivery: DeliveryRecord | null
  /** The attempt row as stored; null when none was added. */
  readonly attempt: AttemptRecord | null
}

/** Which held deliveries to release, and how many now. */
export interface ReleaseRequest {
  readonly tenantId: string
  readonly subscriptionId: string
  readonly limit: number
  /** In order: only rows with no open row of a lower position in their (subscription) or (subscription, key), and no unexpanded event of that tenant (and key) with a lower position. */
  readonly ordering: 'none' | 'subscription' | 'key'
  /** Take a token each from the subscription's bucket: it holds `count`, refilled evenly over `perMs`. */
  readonly rate?: { readonly count: number; readonly perMs: number }
  /** Released and not ended or held again: at most this many at a time. */
  readonly slots?: number
  readonly trigger?: Trigger
}

export interface Released {
  readonly released: number
  /** Held rows are left. */
  readonly more: boolean
  /** When the bucket has its next token, or null. */
  readonly nextAt: number | null
}

/** Ages are counted back from the store's now; absent ones prune nothing. */
export interface PruneRequest {
  /** Events whose deliveries have all ended this long ago, with their deliveries and attempts. */
  readonly finishedAgeMs?: number
  /** Bodies (and excerpts) of events whose deliveries have all ended this long ago; the rows stay. */
  readonly bodyAgeMs?: number
  /** Idempotency keys this old, of events whose deliveries have all ended. */
  readonly keyAgeMs?: number
  readonly limit: number
}

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
  /** Releases what the store itself opened, never the caller's client. May be called twice. */
  close(): Promise<void>
  /** The store's clock. */
  now(): Promise<number>
  /** Optional hint: calls `listener` when work may have become due. Returns the way to stop. */
  onWake?(listener: () => void): () => void

  // ── subscriptions ──────────────────────────────────────────────────────────────────────────────────────

  /** Inserts and returns the row, or null when the tenant already has this id. Bumps the tenant's version. */
  insertSubscription(
    subscription: NewSubscription,
    limits?: { perTenant?: number },
  ): Promise<SubscriptionRecord | null | 'limit'>
  getSubscription(scope: TenantScope, id: string): Promise<SubscriptionRecord | null>
  /**
   * Changes the row if it matches `guard`; returns it afterwards, null when it does not exist, `'conflict'` when the
   * guard did not hold. Bumps the version unless only `condition` changed. Setting `state: 'disabled'` stamps disabledAt
   * (another state clears it), and `state` other than active lets `record` hold its deliveries from then on.
   */
  updateSubscription(
    scope: TenantScope,
    id: string,
    patch: SubscriptionPatch,
    guard?: { readonly revision?: number; readonly states?: readonly SubscriptionState[] },
  ): Promise<SubscriptionRecord | null | 'conflict'>
  /** Removes it and cancels its pending deliveries, claimed ones too. Returns what it was, or null. Bumps the version. */
  deleteSubscription(scope: TenantScope, id: string): Promise<SubscriptionRecord | null>
  listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<Rows<SubscriptionRecord>>
  /** A tenant's subscriptions of every state with `after < id ≤ upTo`, in byte order of their ids, with the tenant's version. */
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
   * concurrent calls and within one; an idempotency key also wins over a different id. Returns one entry per event, in order.
   */
  append(
    events: readonly NewEvent[],
    options?: AppendOptions<Tx>,
  ): Promise<{ readonly appended: readonly Appended[]; readonly versions: ReadonlyMap<string, number> }>
  /**
   * Leases due rows: due and unclaimed, or with their lease over. A row is never given to two callers at a time. Goes
   * round the tenants, so that no tenant waits behind another's backlog. Counts each claim as lost until an outcome of it is
   * recorded or it is handed back.
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
   * An ended delivery never changes. A repeated attempt id changes nothing.
   */
  record(outcomes: readonly Outcome[]): Promise<readonly Recorded[]>
  /** Removes claimed event rows and jobs whose handling is complete. Lost claims are skipped. Returns how many were removed. */
  finish(claims: readonly Claim[]): Promise<number>
  /**
   * Gives claimed rows back, due `delayMs` from now, with their lost-claim counts as before the claim; a job may carry its
   * progress. Lost claims are skipped. Returns how many were given back.
   */
  handBack(
    entries: readonly { readonly claim: Claim; readonly delayMs: number; readonly job?: JsonObject }[],
  ): Promise<number>
  /** Makes unclaimed due rows of a subscription held, at most `limit`. Returns how many. */
  hold(tenantId: string, subscriptionId: string, limit: number): Promise<number>
  /** Makes held rows due, lowest position first. Tokens and slots are taken in the same step. */
  release(request: ReleaseRequest): Promise<Released>
  /** Subscriptions with held rows, in order of (tenant, subscription) after the given one. */
  listHeld(page: {
    readonly after: { readonly tenantId: string; readonly subscriptionId: string } | null
    readonly limit: number
  }): Promise<
    readonly { readonly tenantId: string; readonly subscriptionId: string; readonly count: number }[]
  >
  /** Ends pending, unclaimed deliveries that are past expiresAt as failed (expired). Returns them. */
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
   */
  redeliver(
    scope: TenantScope,
    deliveryId: string,
    options: { readonly trigger: Trigger; readonly maxAgeMs: number; readonly destination?: string },
  ): Promise<DeliveryRecord | null | 'pruned'>
  /** Adds a bulk job, due at once. Returns its queue row's id. */
  addJob(tenantId: string, job: JsonObject): Promise<string>
  /** How much is queued: due now, scheduled, held; the due time of the oldest due row. Estimates above 10,000 are fine. */
  backlog(filter: {
    readonly tenant: TenantFilter
    readonly subscriptionId?: string
  }): Promise<{
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
  /** Rollups of buckets with bucketAt ≥ since, < until, of every slot, summed up per (tenant, subscription, type, bucket). */
  readRollups(filter: {
    readonly tenant: TenantFilter
    readonly subscriptionId?: string
    readonly bucketMs: number
    readonly since: number
    readonly until: number
  }): Promise<readonly RollupRecord[]>
  /** Removes old history, at most `limit` events a call; never what is undelivered. Returns counts. */
  prune(
    request: PruneRequest,
  ): Promise<{ readonly events: number; readonly bodies: number; readonly keys: number }>
  /** Erases every row of a tenant, at most `limit` events a call; subscriptions and queue rows go first. True when nothing is left. */
  eraseTenant(tenantId: string, limit: number): Promise<boolean>
}
