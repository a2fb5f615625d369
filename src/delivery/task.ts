/**
 * One request that is owed: the value that passes through the steps of `deliver.ts`. A claimed event becomes one
 * task per subscription, all of one group; a claimed delivery is a group of one.
 */

import type { Trigger } from '../model.ts'
import type {
  DeliveryRecord,
  DeliveryWork,
  EventRecord,
  EventWork,
  NewDelivery,
  SubscriptionRecord,
} from '../records.ts'

/** The tasks of one claimed queue row. The row is settled once, when its last task is. */
export interface TaskGroup {
  readonly work: EventWork | DeliveryWork
  /** Monotonic instant at which the lease ends, counted from before the claim was sent. */
  readonly leaseEnds: number
  /** Tasks not settled yet. */
  open: number
  /** True when a task was given up unsent: the row then goes back instead of away. */
  unfinished: boolean
  /** True when the store refused an outcome: the row is left to its lease. */
  abandoned: boolean
  /** True when the store finished the row along with its last outcome. */
  finished: boolean
  /** How soon it is due again when it goes back. */
  againMs: number
}

/** Where a task's request goes. */
export interface Target {
  readonly url: string
  readonly origin: string
  /** Null for a one-use destination. */
  readonly subscription: SubscriptionRecord | null
}

export interface Task {
  readonly group: TaskGroup
  readonly event: EventRecord
  readonly body: Uint8Array
  readonly target: Target
  /** The scheduling lane: the subscription's id, or the origin of a one-use destination. */
  readonly lane: string
  readonly delivery: NewDelivery
  /** The stored delivery, or null before its first outcome. */
  readonly stored: DeliveryRecord | null
  readonly trigger: Trigger
}
