/**
 * CONTRACT, part three: what a store is asked to do and the answers it gives, as plain data. The operations that use them are in
 * `store.ts`, the questions of lists in `lists.ts`.
 */
import type { FailureReason, JsonObject, Trigger } from './model.ts'
import type {
  AttemptRecord,
  Claim,
  DeliveryRecord,
  EventRecord,
  NewAttempt,
  NewDelivery,
  SubscriptionRecord,
  Work,
} from './records.ts'

/** How a bulk job is ended from outside. */
export interface JobEnd {
  /** It is ended only while its field `state` is one of these texts. */
  readonly states: readonly string[]
  /** Fields that the job has from then on; each takes the place of the one of its name. */
  readonly fields: JsonObject
  /** How long it stays to be read: then it is due, and a worker removes it. */
  readonly delayMs: number
}

/** A subscription that was deleted, as it was, and the deliveries that this cancelled. */
export interface DeletedSubscription {
  readonly subscription: SubscriptionRecord
  readonly cancelled: readonly DeliveryRecord[]
}

/** What `migrate` did. */
export interface Migrated {
  /** The schema's version before, 0 for none. */
  readonly from: number
  /** The schema's version now. */
  readonly to: number
  /** Names of the migrations that were run. */
  readonly applied: readonly string[]
}

/** How `append` treats its events. */
export interface AppendOptions<Tx> {
  /**
   * The caller's own transaction: every statement runs in it, before `append` returns its promise if the driver is synchronous. Nobody
   * else sees what it appends before it commits, and all of it is undone with it.
   */
  readonly tx?: Tx
  /**
   * Append due events already claimed by this worker, `room` at most: the first of them, but one that follows a duplicate in the same
   * call may be left to `claim`. Never together with `tx`.
   */
  readonly claim?: { readonly token: string; readonly leaseMs: number; readonly room: number }
  /** With a `tx` that `runsAtOnce`: called before `append` returns, with the error that its promise rejects with. */
  readonly onRefused?: (cause: unknown) => void
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
  /** Rows at most, 1 or more. */
  readonly limit: number
  /**
   * How many rows of one tenant are looked at while others wait behind them; a tenant that is alone gets the whole limit. What each gets
   * is decided by turns, a row each.
   */
  readonly perTenant: number
  /** Delivery rows of one subscription at most, unless `shares` says otherwise. */
  readonly perSubscription: number
  /** Delivery rows of single subscriptions at most: a quick one may get more than is sent at once. 0 leaves it out. One-use destinations have no share. */
  readonly shares: ReadonlyMap<string, number>
  /**
   * Rows that have lost one claim (lostClaims = 1) at most; undefined: as many as there are. Those that are taken together and lost
   * again are suspects together, each of which is then claimed alone.
   */
  readonly lostOnce?: number
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
  /**
   * Subscription version of each tenant in `work`; grows with every change of its subscriptions. 0 where the tenant has none: it never
   * had a subscription, or was erased. Then a worker forgets what it knew of the tenant, whatever version that had.
   */
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
  /**
   * Of a claimed event: once this and all other outcomes of the claim in this call are recorded, wherever they stand in it, nothing is
   * left to do. A store may finish the claim in the same step, and says so in `Recorded.finished`; else `finish` follows. It must not
   * when one of them is answered anything but `recorded`.
   */
  readonly last?: boolean
}

/** What became of an outcome. */
export interface Recorded {
  /**
   * `recorded`: applied. `late`: the claim was lost; see `record`. `repeated`: this attempt id (or, without an
   * attempt, this delivery) was recorded before; nothing changed. `gone`: the event or subscription was deleted
   * meanwhile; nothing was inserted. `taken`: it needs a new delivery, and another one of the tenant has its id; nothing was inserted.
   */
  readonly result: 'recorded' | 'late' | 'repeated' | 'gone' | 'taken'
  /** The delivery afterwards; null when there is none. */
  readonly delivery: DeliveryRecord | null
  /** The attempt row as stored: the one that was added, or for `repeated` the one that was there. Null where there is none. */
  readonly attempt: AttemptRecord | null
  /** Of a `late` success: it has turned its delivery into `succeeded`, or stored it so. Each delivery ends once. */
  readonly ended?: true
  /** The claimed event row is gone; see `Outcome.last`. */
  readonly finished?: true
}

/** Which held deliveries to release, and how many now. */
export interface ReleaseRequest {
  readonly tenantId: string
  readonly subscriptionId: string
  readonly limit: number
  /**
   * In order: only rows with no open row of a lower position in their (subscription) or (subscription, key), and no unexpanded event of
   * that tenant (and key) with a lower position. Open is what is queued and not held: due, scheduled, claimed. Under `key`, what has no
   * ordering key has no order: it waits for nobody and blocks nobody.
   */
  readonly ordering: 'none' | 'subscription' | 'key'
  /** Take a token each from the subscription's bucket: it holds `count`, refilled evenly over `perMs`. */
  readonly rate?: { readonly count: number; readonly perMs: number }
  /** At most this many of the subscription's rows are released at a time. */
  readonly slots?: number
  /** Limits that all subscriptions of the tenant share: a bucket of the tenant's own, and released rows of all of them. */
  readonly tenant?: {
    readonly rate?: { readonly count: number; readonly perMs: number }
    readonly slots?: number
  }
  readonly trigger?: Trigger
}

export interface Released {
  readonly released: number
  /** Held rows are left. */
  readonly more: boolean
  /** When both buckets have their next token, or null where no rate was given. */
  readonly nextAt: number | null
}

/** Where a walk over pending deliveries has come to. */
export interface DeliveryPlace {
  readonly tenantId: string
  readonly deliveryId: string
}

/** The sealed one-use destination of a pending delivery. */
export interface PendingDestination extends DeliveryPlace {
  readonly destination: string
}

/** A sealed destination that is to take the place of the one that was read. */
export interface DestinationChange extends DeliveryPlace {
  /** As it was read. */
  readonly from: string
  readonly to: string
}

/** A delivery that an event is to get although its fan-out is over. */
export interface ReplayEntry {
  readonly eventId: string
  /** `subscriptionId` is set; `maxAgeMs` counts from now, not from the event's dueAt. */
  readonly delivery: NewDelivery
}

/**
 * The new delivery, or why there is none. `exists`: the event has one for this subscription, which stays as it is.
 * `waiting`: the event's own queue row (or one of its ranges) is still there, so that its fan-out may yet make one.
 * `pruned`: the body is gone. Null: the event or the subscription does not exist.
 */
export type Replayed = DeliveryRecord | 'exists' | 'waiting' | 'pruned' | null

/** Ages are counted back from the store's now; absent ones prune nothing. */
export interface PruneRequest {
  /** Events whose deliveries have all ended this long ago, with their deliveries and attempts. */
  readonly finishedAgeMs?: number
  /** Bodies (and excerpts, and deliveries' own bodies) of events whose deliveries have all ended this long ago; the rows stay. */
  readonly bodyAgeMs?: number
  /** Idempotency keys this old, of events whose deliveries have all ended. */
  readonly keyAgeMs?: number
  readonly limit: number
}
