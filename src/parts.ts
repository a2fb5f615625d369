/**
 * The parts that `createWebhooks` picks and hands to everything else: one value, built once, never changed. It
 * holds no behaviour of its own.
 */
import type { Catalog } from './catalog.ts'
import type { Clock, Random } from './clock.ts'
import type { RetryPolicy } from './delivery/backoff.ts'
import type { Policy } from './delivery/policy.ts'
import type { RetentionOptions } from './delivery/retention.ts'
import type { Statistics } from './delivery/statistics.ts'
import type { PosthornError } from './errors.ts'
import type { AddressGuard } from './guard/address-guard.ts'
import type {
  AttemptReport,
  EndedReport,
  NoticeReport,
  PublishedReport,
  SubscriptionReport,
} from './hooks.ts'
import type { Sealer } from './sealing.ts'
import type { CustomScheme, Scheme } from './signing/scheme.ts'
import type { Store } from './store.ts'
import type { Transport } from './transport.ts'

/** Makes the ids; each returns a fresh one. */
export interface IdGenerators {
  readonly subscription: () => string
  readonly event: () => string
  readonly delivery: () => string
  readonly attempt: () => string
}

/** One scheme of a list of them, with the instant (ms) from which it no longer signs. */
export interface SigningEntry {
  readonly scheme: Scheme
  readonly until: number | null
}

/** Tells hooks and logger; never throws. */
export interface Reporter {
  published(report: PublishedReport): void
  attempted(report: AttemptReport): void
  ended(report: EndedReport): void
  subscriptionChanged(report: SubscriptionReport): void
  noticed(report: NoticeReport): void
  /** False when nobody listens to `noticed`. */
  readonly hasNotices: boolean
  /** One warning that nothing has to be done about at once. */
  warn(message: string): void
  /** Logs at most one line a minute for each (during, code); a database that cannot be asked at all is one cause for every step. */
  problem(during: string, error: PosthornError): void
  /** False when nobody listens to `attempted`, so that the hot path can skip building reports. */
  readonly hasAttempted: boolean
  /** The same of `ended`. */
  readonly hasEnded: boolean
}

/** Everything that the steps of a delivery and the public calls need. */
export interface Parts {
  readonly store: Store<unknown>
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly ids: IdGenerators
  readonly catalog: Catalog | null
  readonly validate: 'throw' | 'warn' | 'off'
  readonly signing: readonly SigningEntry[]
  readonly customSchemes: readonly CustomScheme[]
  readonly retry: RetryPolicy
  readonly report: Reporter
  readonly sealer: Sealer
  readonly statistics: Statistics
  readonly defaultTenant: string | null
  readonly timeoutMs: number
  readonly maxAgeMs: number
  /** How long finished history is kept; null: for ever. */
  readonly retention: Required<RetentionOptions> | null
  readonly maxBodyBytes: number
  /** How receivers are asked for consent before the first delivery. */
  readonly verifyEndpoint: 'challenge' | 'cloudevents' | false
  /** Who asks, in the handshake of CloudEvents. */
  readonly verifyOrigin: string
  /** Null: no limit. */
  readonly maxSubscriptionsPerTenant: number | null
  readonly concurrency: number
  readonly perSubscription: number
  readonly perOrigin: number
  /** Which buckets of tenants this process works for; null: all. */
  readonly buckets: { readonly from: number; readonly to: number } | null
  readonly policy: Policy
  /** Judges every URL at the door, and again with every request. */
  readonly guard: AddressGuard
  /** Turns an event into what is serialised; the default is `{ type, timestamp, data }`. */
  readonly envelope: (event: EnvelopeInput) => unknown
  /** Bodies by version, of subscriptions that chose one; null: none. */
  readonly versions: Readonly<Record<string, (event: EnvelopeInput) => unknown>> | null
  readonly transform: Transform | null
  /** Tells the worker of this process that work may be due. */
  readonly wake: () => void
}

/** What an envelope is made from. */
export interface EnvelopeInput {
  readonly id: string
  readonly type: string
  readonly tenantId: string
  readonly data: unknown
  readonly occurredAt: Date
  readonly metadata: Readonly<Record<string, string>>
}

/** What a transform is made from. */
export interface ShapeInput extends EnvelopeInput {
  readonly channels: readonly string[]
}

/** Whom a transform shapes an event for. */
export interface ShapeTarget {
  readonly id: string
  readonly tenantId: string
  readonly url: string
  readonly name: string | null
  readonly events: readonly string[]
  readonly channels: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  /** The version that the subscription chose, or null. */
  readonly version: string | null
}

/** What a transform gives back; an absent part stays as it was. */
export interface Transformed {
  /** Serialised once, stored, signed and sent in place of the event's body. */
  readonly body?: unknown
  /** Sent besides the subscription's own headers. */
  readonly headers?: Readonly<Record<string, string>>
}

/** See the option `transform`. */
export type Transform = (
  event: ShapeInput,
  subscription: ShapeTarget,
) => Transformed | null | undefined | Promise<Transformed | null | undefined>
