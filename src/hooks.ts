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
  readonly subscription: Subscription
}

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
  problem?(report: ProblemReport): unknown
}

/** Where the library writes what an operator should read: pino's shape. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}
