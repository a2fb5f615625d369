/** What `webhooks.subscriptions` offers, apart from how it does it. */
import type { Catalog, EventName } from '../catalog.ts'
import type { Listed, PageOptions } from '../input/page.ts'
import type { TenantListOptions, TenantOptions } from '../input/tenant.ts'
import type { DisabledReason, Metadata, Subscription, SubscriptionState } from '../model.ts'
import type { SubscriptionRecord } from '../records.ts'
import type { Scheme } from '../signing/scheme.ts'
import type { NewSubscriptionInput, SubscriptionChanges } from './input.ts'
import type { EventToMatch } from './matching.ts'
import type { IssuedSecret } from './signing-input.ts'

/** Which subscriptions to list; filters add up. */
export interface SubscriptionListOptions extends TenantListOptions, PageOptions {
  /** Those that want this name: by the name itself or by a pattern that matches it. */
  readonly eventType?: string | undefined
  readonly state?: SubscriptionState | undefined
  /** Each key has exactly this value. */
  readonly metadata?: Metadata | undefined
}

/** A subscription with its new secret, which is shown only this once. */
export interface IssuedSubscription<Secret extends string | null = string> {
  readonly subscription: Subscription
  /** The first signing scheme's, or the one that was given. Null only where the schemes take none. */
  readonly secret: Secret
  /** Ed25519 only: `whpk_…`, what the receiver is given instead of the secret. */
  readonly publicKey?: string
  /** Every new secret: one for each kind of key that the schemes need, each with its schemes. */
  readonly secrets: readonly IssuedSecret[]
}

/** A test event that was published to one subscription. */
export interface TestSent {
  readonly eventId: string
  readonly deliveryId: string
}

/** What `createSubscriptions` needs besides the parts. */
export interface SubscriptionsOptions {
  /** Appends a real event of this type, marked as test, addressed to this subscription alone. */
  readonly publishTest: (
    subscription: SubscriptionRecord,
    type: string,
    pending: 'send' | 'drop',
  ) => Promise<TestSent>
  /** Lets what is held for an active subscription go, as far as its limits allow at once. */
  readonly releaseHeld: (subscription: SubscriptionRecord) => Promise<void>
}

/** The subscriptions. Every call throws TENANT_REQUIRED without a tenant; calls by id throw NOT_FOUND, also for another tenant's. */
export interface Subscriptions<Events extends Catalog | null = null> {
  /**
   * @throws PosthornError CONFLICT when the tenant has this id; INVALID_INPUT, INVALID_URL, INVALID_HEADERS, INVALID_PATTERN, INVALID_FILTER,
   * UNKNOWN_EVENT_TYPE, INVALID_SECRET
   */
  create(input: NewSubscriptionInput<Events>): Promise<IssuedSubscription<string | null>>
  get(id: string, options?: TenantOptions): Promise<Subscription>
  /**
   * An absent field stays, null clears it. Schemes that need a secret get one if there is none (see `revealSecret`).
   *
   * @throws PosthornError as `create`; CONFLICT when the revision is not `ifRevision` any more
   */
  update(
    id: string,
    changes: SubscriptionChanges<Events>,
    options?: TenantOptions & { readonly ifRevision?: number | undefined },
  ): Promise<Subscription>
  /** Deletes it and cancels its pending deliveries, each reported as `ended`. */
  delete(id: string, options?: TenantOptions): Promise<void>
  /** Newest first. @throws PosthornError INVALID_INPUT, INVALID_CURSOR, CONTRADICTORY_OPTIONS */
  list(options?: SubscriptionListOptions): Promise<Listed<Subscription>>
  /**
   * The tenant's subscriptions that would get this event if it were published now, in the order of their ids: to try
   * patterns, channels and filters. Disabled ones get nothing; paused ones do.
   *
   * @throws PosthornError INVALID_INPUT, UNKNOWN_EVENT_TYPE, PAYLOAD_NOT_SERIALISABLE
   */
  matches(event: EventToMatch<Events>): Promise<readonly Subscription[]>
  /** Holds new and pending deliveries until `resume`. @throws PosthornError CONFLICT when it is disabled */
  pause(id: string, options?: TenantOptions): Promise<Subscription>
  /** Sends again, beginning with what was held. @throws PosthornError CONFLICT when it is disabled */
  resume(id: string, options?: TenantOptions): Promise<Subscription>
  /** New events do not match any more; pending deliveries are held. @default reason 'user' */
  disable(
    id: string,
    options?: TenantOptions & { readonly reason?: DisabledReason | undefined },
  ): Promise<Subscription>
  /**
   * `pending: 'drop'` cancels what was held, `'send'` (default) sends it. With `verifyEndpoint` the receiver of an unverified
   * one is asked first.
   *
   * @throws PosthornError CONFLICT when it is paused, or its receiver does not agree
   */
  enable(
    id: string,
    options?: TenantOptions & { readonly pending?: 'send' | 'drop' | undefined },
  ): Promise<Subscription>
  /**
   * Signs with a new secret at once, and with the old ones (at most 10) for `overlapMs` more: 0 to 30 days, 24 hours by default.
   * Schemes of different kinds (Standard Webhooks and Ed25519) have a secret each: all are replaced, or only those of `scheme`
   * (its name or itself), or of the schemes that can use the given `secret`.
   *
   * @throws PosthornError INVALID_SECRET, also when the signing scheme takes none; INVALID_INPUT for an unknown `scheme`
   */
  rotateSecret(
    id: string,
    options?: TenantOptions & {
      readonly overlapMs?: number | undefined
      readonly secret?: string | undefined
      readonly scheme?: Scheme | string | undefined
    },
  ): Promise<IssuedSubscription>
  /** The current secret of the first signing scheme, or of `scheme`; null when there is none. For operators; reported to hooks as `secretRevealed`. */
  revealSecret(
    id: string,
    options?: TenantOptions & { readonly scheme?: Scheme | string | undefined },
  ): Promise<string | null>
  /**
   * Sends a real event, marked as test, to this subscription alone. Its success counts like any other: it ends a pause of the
   * breaker, and enables a subscription that was disabled automatically (`gone`, `failing`); `pending` says whether what
   * piled up is then sent (default) or dropped.
   *
   * @param options `type` defaults to the first name of the catalogue that it wants, else `test.ping`.
   * @throws PosthornError UNKNOWN_EVENT_TYPE
   */
  test(
    id: string,
    options?: TenantOptions & {
      readonly type?: EventName<Events> | undefined
      readonly pending?: 'send' | 'drop' | undefined
    },
  ): Promise<TestSent>
}
