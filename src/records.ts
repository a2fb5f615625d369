/**
 * CONTRACT, part one: the rows that a store keeps, as plain data. The operations over them are in `store.ts`.
 *
 * Instants are numbers: milliseconds since 1970 by the store's clock; fractions are allowed and kept where the
 * store has them. Text is compared byte for byte. Every row carries its tenant. A word (state, reason, trigger, failure …) that a
 * newer version has stored is given back as it is.
 */
import type {
  DeliveryState,
  DisabledReason,
  FailureReason,
  JsonObject,
  Metadata,
  PausedBy,
  SubscriptionState,
  Trigger,
} from './model.ts'
import type { FailureCode } from './transport.ts'

/** A signing secret as stored: sealed text when the host gave keys, the plain secret otherwise. */
export interface SecretRecord {
  readonly value: string
  readonly createdAt: number
  /** Null for a current secret (one for each kind of key); else the instant after which it no longer signs. */
  readonly expiresAt: number | null
}

/** A subscription row. */
export interface SubscriptionRecord {
  readonly id: string
  readonly tenantId: string
  readonly url: string
  readonly events: readonly string[]
  readonly name: string | null
  readonly description: string | null
  /** Custom headers, lower-case names; values may be sealed. */
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Metadata
  readonly state: SubscriptionState
  readonly pausedBy: PausedBy | null
  readonly disabledReason: DisabledReason | null
  readonly disabledAt: number | null
  /** Newest first. */
  readonly secrets: readonly SecretRecord[]
  /** What only the engine reads (signing, retry, filter, limits …). Kept unchanged, never interpreted. */
  readonly settings: JsonObject
  /** What the engine remembers about it (failure streak, breaker …). Kept unchanged, never interpreted. */
  readonly condition: JsonObject
  /** Given by the store; strictly after every publishedAt that was handed out before. */
  readonly createdAt: number
  readonly updatedAt: number
  /** 1 at creation, one more with each update. */
  readonly revision: number
  /** The name of a part that somebody has broken in the store: it is empty here, and nothing may be sent by this row. */
  readonly broken?: string
}

/** A subscription to insert: the store adds createdAt, updatedAt, revision, and createdAt of its secrets. */
export type NewSubscription = Omit<
  SubscriptionRecord,
  'createdAt' | 'updatedAt' | 'revision' | 'secrets' | 'broken'
> & {
  readonly secrets: readonly { readonly value: string }[]
}

/** Fields to change; an absent one stays. */
export type SubscriptionPatch = Partial<
  Omit<
    SubscriptionRecord,
    'id' | 'tenantId' | 'createdAt' | 'updatedAt' | 'revision' | 'disabledAt' | 'broken'
  >
> & {
  /** Puts this secret first; the older ones expire `overlapMs` from now, or earlier if they already would. At most `keep` stay, this one included. */
  readonly rotate?: { readonly value: string; readonly overlapMs: number; readonly keep: number }
}

/** An event row. */
export interface EventRecord {
  readonly id: string
  readonly tenantId: string
  readonly type: string
  /** The exact text to sign and send; null once pruned. */
  readonly body: string | null
  readonly metadata: Metadata
  /** Deliveries of one key keep their order where a subscription asks for it. */
  readonly orderingKey: string | null
  /** What only the engine reads (channels, retry policy …). Kept unchanged. */
  readonly settings: JsonObject
  readonly test: boolean
  /** Recorded, but owed to nobody: it has no queue row. */
  readonly skipped: boolean
  readonly idempotencyKey: string | null
  readonly occurredAt: number
  /** The store's clock when the statement ran (not when its transaction began). */
  readonly publishedAt: number
  /** When it becomes due: the store's clock at publish (publishedAt may be a fraction of a millisecond ahead of it), or the later instant asked for. */
  readonly dueAt: number
  /** With `dueAt`, the event's position: dueAt first, then this number, which the store gives. */
  readonly sequence: number
  /** The name of a part that somebody has broken in the store: it is empty here, and nothing may be sent by this row. */
  readonly broken?: string
}

/** An event to append. */
export type NewEvent = Omit<EventRecord, 'publishedAt' | 'dueAt' | 'sequence' | 'broken'> & {
  /** Due at this instant (never before the millisecond of publishedAt), or this much after it; both absent: at once. */
  readonly dueAt?: number
  readonly delayMs?: number
  /** The one addressee, when it is known at publish (a test, a one-use destination): no fan-out then. */
  readonly addressee?: NewDelivery
}

/** A delivery row. */
export interface DeliveryRecord {
  readonly id: string
  /** A positive integer, unique in the store, growing. */
  readonly number: number
  readonly tenantId: string
  readonly eventId: string
  readonly eventType: string
  /** Null for a one-use destination. */
  readonly subscriptionId: string | null
  /** The sealed one-use destination; erased (null) when the delivery ends. */
  readonly destination: string | null
  /** The delivery's own body and headers (transforms); null: the event's. */
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>> | null
  readonly state: DeliveryState
  readonly reason: FailureReason | null
  readonly test: boolean
  readonly attemptCount: number
  /** attemptCount when the schedule (last) began: 0, or more after a redeliver. */
  readonly roundStart: number
  readonly lastStatus: number | null
  readonly lastFailure: FailureCode | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly endedAt: number | null
  /** Due time of its queue row, also while it is claimed; null when ended or held. */
  readonly nextAttemptAt: number | null
  readonly held: boolean
  readonly expiresAt: number
  /** The name of a part that somebody has broken in the store: it is empty here, and nothing may be sent by this row. */
  readonly broken?: string
}

/** What the engine knows of a delivery that may not be stored yet. */
export interface NewDelivery {
  readonly id: string
  readonly subscriptionId: string | null
  readonly destination: string | null
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>> | null
  readonly test: boolean
  /** Maximum age, counted from the event's dueAt. */
  readonly maxAgeMs: number
}

/** An attempt row; append-only. */
export interface AttemptRecord {
  readonly id: string
  readonly tenantId: string
  readonly deliveryId: string
  readonly eventId: string
  readonly eventType: string
  readonly subscriptionId: string | null
  /** 1..n within the delivery, given by the store under the delivery's lock. */
  readonly number: number
  readonly trigger: Trigger
  readonly url: string
  readonly startedAt: number
  readonly durationMs: number
  readonly outcome: 'succeeded' | 'failed'
  readonly status: number | null
  readonly failure: FailureCode | null
  readonly message: string | null
  readonly excerpt: string | null
  readonly mayHaveBeenReceived: boolean
  readonly afterLostClaim: boolean
  readonly late: boolean
}

/** An attempt to record: its id was made before the send; the store adds the rest. */
export type NewAttempt = Omit<
  AttemptRecord,
  'tenantId' | 'deliveryId' | 'eventId' | 'eventType' | 'subscriptionId' | 'number' | 'late'
>

/** Proof of a claim: the queue row and the token it was claimed with. */
export interface Claim {
  readonly row: string
  readonly token: string
}

interface ClaimedRow {
  readonly claim: Claim
  readonly tenantId: string
  readonly leaseUntil: number
  /** Earlier claims of this row that ended without any outcome (a worker died). */
  readonly lostClaims: number
  /** Those of them that were claimed alone; they count towards quarantine. */
  readonly lostAlone: number
  /** True when it was claimed before in any way: parts may be recorded, ask `expanded` before sending. */
  readonly resumed: boolean
}

/** An event that waits for its fan-out, whole or a range of its subscriptions. */
export interface EventWork extends ClaimedRow {
  readonly kind: 'event'
  readonly event: EventRecord
  /** Only subscriptions with `after < id ≤ upTo`, byte by byte; null: unbounded. */
  readonly after: string | null
  readonly upTo: string | null
}

/** A delivery that is due. */
export interface DeliveryWork extends ClaimedRow {
  readonly kind: 'delivery'
  readonly event: EventRecord
  readonly delivery: DeliveryRecord
  readonly trigger: Trigger
  /** True when `release` made it due and it was neither held nor recorded as pending since. */
  readonly released: boolean
}

/** A bulk job that goes on where its last step ended. */
export interface JobWork extends ClaimedRow {
  readonly kind: 'job'
  readonly job: JsonObject
}

/** A bulk job as it was added, last handed back, or ended. */
export interface StoredJob {
  /** Its queue row. */
  readonly id: string
  readonly tenantId: string
  /** A positive integer, unique in the store. Lists are in the order of (addedAt, number). */
  readonly number: number
  /** The store's clock when it was added. */
  readonly addedAt: number
  /** What only the engine reads; the store reads its text field `state` alone. Kept unchanged. */
  readonly job: JsonObject
}

/** One claimed queue row. */
export type Work = EventWork | DeliveryWork | JobWork

/** One line of statistics, of one worker's slot. */
export interface RollupRecord {
  readonly tenantId: string
  readonly subscriptionId: string | null
  readonly eventType: string
  /** Start of the bucket. */
  readonly bucketAt: number
  readonly bucketMs: number
  /** Whose row it is: each worker adds to rows of its own. */
  readonly slot: string
  /** Added up key by key. */
  readonly counters: Readonly<Record<string, number>>
  /** Latency counts on a fixed log scale, added up index by index. */
  readonly histogram: readonly number[]
}
