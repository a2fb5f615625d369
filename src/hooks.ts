/**
 * CONTRACT: what the library reports while it works. Each hook gets one object, which may grow. A hook never
 * changes what happens; one that throws or rejects is logged and ignored.
 */
import type { PosthornError } from './errors.ts'
import type { Attempt, Delivery, Subscription } from './model.ts'

/** An event was stored (or found to be stored already). */
export interface PublishedReport {
  readonly eventId: string
  readonly tenantId: string
  readonly type: string
  readonly duplicate: boolean
}

/** An attempt was made and recorded. */
export interface AttemptReport {
  readonly attempt: Attempt
  /** State of the delivery after it. */
  readonly state: Delivery['state']
  /** When the next attempt is due, or null. */
  readonly nextAttemptAt: Date | null
}

/** A delivery ended. */
export interface EndedReport {
  readonly deliveryId: string
  readonly eventId: string
  readonly eventType: string
  readonly tenantId: string
  readonly subscriptionId: string | null
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  readonly reason: Delivery['reason']
  readonly attemptCount: number
}

/** What happened to a subscription. */
export type SubscriptionChange =
  | 'created'
  | 'updated'
  | 'paused'
  | 'resumed'
  | 'disabled'
  | 'enabled'
  | 'deleted'
  | 'secretRotated'
  | 'secretRevealed'

/** A subscription changed, or its secret was shown. */
export interface SubscriptionReport {
  readonly change: SubscriptionChange
  /** Its URL without the query, which may hold a token: `https://receiver.example/hook?…`. */
  readonly subscription: Subscription
}

/** What every notice carries. */
interface NoticeBase {
  readonly at: Date
  readonly tenantId: string
  readonly subscriptionId: string
  /** As it stands after the change; its URL without the query, which may hold a token. */
  readonly subscription: Subscription
  /** Since when there have been nothing but failures; null when there was a success since. For `recovered`: until now. */
  readonly failingSince: Date | null
  /** From when on the next failure disables it, unless something succeeds before; null when it will not be. */
  readonly disablesAt: Date | null
}

/** What the owner of a subscription should know. Told at most once per change, by one of all processes. */
export type NoticeReport = NoticeBase &
  (
    | {
        /**
         * `failing`: the first failure after a success. `disabling-soon`: 24 hours before. `disabled`: by the receiver (410),
         * or after nothing but failures. `recovered`: the first success after failures.
         */
        readonly notice: 'failing' | 'disabling-soon' | 'disabled' | 'recovered'
      }
    /** So much of the span is over after which it is disabled. */
    | { readonly notice: 'still-failing'; readonly percent: 25 | 50 | 75 }
    /** A delivery was given up: its schedule is used up, or it is too old. */
    | {
        readonly notice: 'exhausted'
        readonly delivery: {
          readonly id: string
          readonly eventId: string
          readonly eventType: string
          readonly reason: Delivery['reason']
          readonly attemptCount: number
        }
        /** What the owner can do, by the last attempt; null when none was made. */
        readonly advice: string | null
      }
  )

/** Something needs an operator's eye: the store failed, a row was quarantined, a hook threw. */
export interface ProblemReport {
  readonly error: PosthornError
  /** The step that met it, for example `claim` or `record`. */
  readonly during: string
}

/** All hooks are optional. They may be async; nothing waits for them. */
export interface Hooks {
  published?(report: PublishedReport): unknown
  attempted?(report: AttemptReport): unknown
  ended?(report: EndedReport): unknown
  subscriptionChanged?(report: SubscriptionReport): unknown
  noticed?(report: NoticeReport): unknown
  problem?(report: ProblemReport): unknown
}

/** Where the library writes what an operator should read: pino's shape. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}
