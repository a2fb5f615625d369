/**
 * The nouns of Posthorn and the states they pass through. Plain data and pure predicates, nothing else.
 *
 * Delivery:      pending → succeeded | failed (exhausted, refused, expired, quarantined) | cancelled
 * Subscription:  active ⇄ paused (by user or breaker) ⇄ disabled (user, gone, failing, unverified)
 *
 * The unions name the words of this version. A row that a newer one stored may hold another: it is shown as it is.
 */
import type { FailureCode } from './transport.ts'

/** Stands in the place of a tenant id where an operator means every tenant. Never accept it from a request. */
export const anyTenant: unique symbol = Symbol.for('posthorn.anyTenant') as never
/** The type of `anyTenant`. */
export type AnyTenant = typeof anyTenant
/** Whose rows a call may see: one tenant's, or every tenant's. A wrong tenant reads as "not found". */
export type TenantScope = string | AnyTenant

/** Any value that JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }
/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue }
/** Free labels that the application attaches and filters by: at most 50 keys, values up to 500 characters. */
export type Metadata = Readonly<Record<string, string>>

/** `active`: sent to. `paused`: new and pending deliveries are held. `disabled`: new events do not match. */
export type SubscriptionState = 'active' | 'paused' | 'disabled'
/** Who paused it; a probe never lifts a user's pause. */
export type PausedBy = 'user' | 'breaker'
/** Why it was disabled: by hand, the receiver answered 410, nothing but failures, or its challenge was not met. */
export type DisabledReason = 'user' | 'gone' | 'failing' | 'unverified'
/** `pending` may become any of the others once; only `redeliver` opens an ended delivery again. */
export type DeliveryState = 'pending' | 'succeeded' | 'failed' | 'cancelled'
/** Why a delivery failed: schedule used up, refused for good, over its maximum age, or not handleable. */
export type FailureReason = 'exhausted' | 'refused' | 'expired' | 'quarantined'
/** Why an attempt was made. */
export type Trigger = 'event' | 'retry' | 'manual' | 'probe'

/** Whose order a subscription keeps: nobody's, that of all its deliveries, or that of the deliveries of one `orderingKey`. */
export type Ordering = 'none' | 'subscription' | 'key'
/** At most `count` within `perMs` milliseconds: a bucket of `count` tokens that fills up evenly. */
export interface Rate {
  readonly count: number
  readonly perMs: number
}

/** True for a state that nothing but `redeliver` leaves. */
export function isEnded(state: DeliveryState): boolean {
  return state !== 'pending'
}

const DELIVERY_STATES: readonly string[] = [
  ...(['pending', 'succeeded', 'failed', 'cancelled'] satisfies DeliveryState[]),
]
const SUBSCRIPTION_STATES: readonly string[] = [
  ...(['active', 'paused', 'disabled'] satisfies SubscriptionState[]),
]

/**
 * False for a word of a newer version, which shares the tables in a rolling deploy: such a delivery is shown with its word,
 * and no worker touches it.
 */
export function isKnownDeliveryState(state: string): boolean {
  return DELIVERY_STATES.includes(state)
}

/** False for a word of a newer version: such a subscription is shown with its word, and what it is owed is held. */
export function isKnownSubscriptionState(state: string): boolean {
  return SUBSCRIPTION_STATES.includes(state)
}

/** Stands in every read, hook and error where a custom header has its value. */
export const REDACTED = '[redacted]'

/** A subscription that the breaker paused. */
export interface BreakerState {
  /** `failing`: it kept failing. `throttled`: the receiver asked for a pause (429, 503). */
  readonly cause: 'failing' | 'throttled'
  readonly openedAt: Date
  /** When one delivery is tried, provided that one is held. */
  readonly nextProbeAt: Date
  /** Probes so far, all failed. */
  readonly probes: number
}

/** An ordered subscription whose line stopped (`onGivenUp: 'stop'`). */
export interface StoppedLine {
  /** The delivery that was given up. */
  readonly deliveryId: string
  readonly at: Date
}

/** Who wants which event types, and where. Secrets and header values are never part of it. */
export interface Subscription {
  readonly id: string
  readonly tenantId: string
  readonly url: string
  /** Event names and patterns: `*`, `order.*`, `order.paid`. */
  readonly events: readonly string[]
  readonly name: string | null
  readonly description: string | null
  /** Names of the custom headers; the values are secret. */
  readonly headerNames: readonly string[]
  /** The custom headers, each value as `[redacted]`; an update that hands them in so keeps the values. */
  readonly headers: Readonly<Record<string, typeof REDACTED>>
  readonly metadata: Metadata
  readonly state: SubscriptionState
  /** `'user'` also where its line stopped: see `stopped`. */
  readonly pausedBy: PausedBy | null
  /** Where its line stopped, as long as nobody has resumed it: `pausedBy` is `'user'` then. Null where a person paused it. */
  readonly stopped: StoppedLine | null
  readonly disabledReason: DisabledReason | null
  readonly disabledAt: Date | null
  /** Why and since when the breaker holds it, and when it is tried again; null while the breaker lets everything through. */
  readonly breaker: BreakerState | null
  /** Since when there have been nothing but failures; null when the last attempt that counted succeeded. */
  readonly failingSince: Date | null
  /** The subscription's own signing schemes as JSON, or null for the default of `createWebhooks`. */
  readonly signing: JsonValue | null
  /** The subscription's own retry schedule as JSON, `'never'`, or null for the default of `createWebhooks`. */
  readonly retry: JsonValue | null
  readonly ordering: Ordering
  /** What an ordered subscription does when a delivery is given up. */
  readonly onGivenUp: 'continue' | 'stop'
  readonly rate: Rate | null
  /** Requests in flight at a time, over all processes; null: only the shares of each process. */
  readonly concurrency: number | null
  /** Only events of one of these channels; empty: of all. */
  readonly channels: readonly string[]
  /** The payload filter as JSON, or null. */
  readonly filter: JsonValue | null
  /** Which of the host's versions it gets, or null. */
  readonly version: string | null
  /** The last four characters of the newest secret; null when there is none, or for one under 12 characters. */
  readonly secretHint: string | null
  /** The live secrets, newest first, without their values. */
  readonly secrets: readonly SecretInfo[]
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Grows with each change that a person makes, not with what the breaker does; for optimistic updates (`ifRevision`). */
  readonly revision: number
}

/** What may be shown of a secret. */
export interface SecretInfo {
  /** The last four characters, or null for secrets under 12 characters. */
  readonly hint: string | null
  readonly createdAt: Date
  /** When it stops signing; null while it is the current one. */
  readonly expiresAt: Date | null
}

/** Something that happened, published once. */
export interface Event {
  readonly id: string
  readonly tenantId: string
  readonly type: string
  /** The exact text that is signed and sent; null once pruned. */
  readonly body: string | null
  readonly metadata: Metadata
  /** Labels that subscriptions select by. */
  readonly channels: readonly string[]
  readonly test: boolean
  /** True when it was published with `skip`: recorded, delivered to nobody. */
  readonly skipped: boolean
  readonly idempotencyKey: string | null
  readonly occurredAt: Date
  readonly publishedAt: Date
  /** When its deliveries are due: publishedAt, or later when asked. */
  readonly dueAt: Date
}

/** One event owed to one subscription (or to a one-use destination: then `subscriptionId` is null). */
export interface Delivery {
  readonly id: string
  /** An integer that the store gives; unique in the store, usable in place of the id. */
  readonly number: number
  readonly tenantId: string
  readonly eventId: string
  readonly eventType: string
  readonly subscriptionId: string | null
  readonly state: DeliveryState
  readonly reason: FailureReason | null
  /** True while it waits for its subscription to take deliveries again. */
  readonly held: boolean
  readonly test: boolean
  readonly attemptCount: number
  /** HTTP status of the newest attempt, or null. */
  readonly lastStatus: number | null
  /** Failure code of the newest attempt, or null. */
  readonly lastFailure: FailureCode | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly endedAt: Date | null
  readonly nextAttemptAt: Date | null
  /** A pending delivery ends as failed (expired) at this time at the latest. */
  readonly expiresAt: Date
}

/** One HTTP request of one delivery. Attempts are only ever added. */
export interface Attempt {
  readonly id: string
  readonly tenantId: string
  readonly deliveryId: string
  readonly eventId: string
  readonly eventType: string
  readonly subscriptionId: string | null
  /** 1, 2, 3 … within its delivery, without gap or repeat. */
  readonly number: number
  readonly trigger: Trigger
  readonly url: string
  readonly startedAt: Date
  readonly durationMs: number
  readonly outcome: 'succeeded' | 'failed'
  /** HTTP status, or null when none came. */
  readonly status: number | null
  readonly failure: FailureCode | null
  /** One sentence about the failure, or null. */
  readonly message: string | null
  /** The first 16 KB of the answer's body, or null. */
  readonly excerpt: string | null
  /** True when the answer was not seen and the receiver may have got the request. */
  readonly mayHaveBeenReceived: boolean
  /** True when an earlier claim of the same work ended without an outcome: that worker may have sent it too. */
  readonly afterLostClaim: boolean
  /** True when the worker had lost its claim: the attempt is true, but it decided nothing. */
  readonly late: boolean
}
