/** Which deliveries are not sent now, and what becomes of them instead. A pure decision over one task. */
import { isKnownSubscriptionState, type Trigger } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { Next } from '../queries.ts'
import { isLimited } from './limits.ts'
import { isBroken } from './row-check.ts'
import type { Task } from './task.ts'

/** Claims made alone that a row may cost before it is set aside. */
export const QUARANTINE_AFTER = 5

/** Null: send it. `now` is the store's clock. */
export function insteadOfSending(task: Task, now: number, parts: Parts): Next | null {
  const { work } = task.group
  const { subscription } = task.target
  const expiresAt = task.stored?.expiresAt ?? task.event.dueAt + task.delivery.maxAgeMs
  if (work.lostAlone >= QUARANTINE_AFTER || isBroken(task)) return { state: 'failed', reason: 'quarantined' }
  if (now >= expiresAt) return { state: 'failed', reason: 'expired' }
  if (task.delivery.subscriptionId !== null && subscription === null) return { state: 'cancelled' }
  if (task.event.body === null) return { state: 'failed', reason: 'refused' }
  // The worker that lost the claim may have sent it.
  if (isAtMostOnce(task) && work.lostClaims > 0) return { state: 'failed', reason: 'exhausted' }
  return insteadOfSendingNow(task, parts)
}

/** Held, or null: the part of the decision that can change while a task waits for its turn. */
export function insteadOfSendingNow(task: Task, parts: Parts): Next | null {
  const { subscription } = task.target
  if (subscription === null) return null
  const { state, pausedBy, disabledReason } = subscription
  // A test goes out whatever the state, but for a receiver that has not agreed to anything yet, or a state that only a newer version knows.
  if (task.event.test && disabledReason !== 'unverified' && isKnownSubscriptionState(state)) return null
  const limited = isLimited(subscription, parts)
  if (state === 'active' && (!limited || isReleased(task))) return null
  if (state === 'paused' && pausedBy === 'breaker' && task.trigger === 'probe') return null
  return { state: 'held', always: limited, trigger: afterHold(task) }
}

/** True when the delivery must never be sent a second time. */
export function isAtMostOnce({ event, target }: Task): boolean {
  return (event.settings.retry ?? target.subscription?.settings.retry) === 'never'
}

/** What the next attempt of a held delivery is: a probe is only what a release makes one. */
export function afterHold({ trigger, stored }: Task): Trigger {
  if (trigger !== 'probe') return trigger
  return stored !== null && stored.attemptCount > 0 ? 'retry' : 'event'
}

function isReleased({ group: { work } }: Task): boolean {
  return work.kind === 'delivery' && work.released
}
