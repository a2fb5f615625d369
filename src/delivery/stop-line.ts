/** Pauses an ordered subscription that stops where a delivery is given up, before that outcome lets the next of its line go. */
import { PosthornError } from '../errors.ts'
import { isKnownSubscriptionState } from '../model.ts'
import type { Parts } from '../parts.ts'
import { presentSubscription } from '../present.ts'
import type { SubscriptionRecord } from '../records.ts'
import { byPolicy, conditionOf } from './condition.ts'

const MAX_TRIES = 10

/**
 * The subscription as it stands afterwards. `known` may be out of date. One that a person has paused, that is disabled or that is
 * gone stays as it is.
 *
 * @throws PosthornError CONFLICT when others changed it each time: the caller tries again, or leaves the delivery to its lease
 */
export async function stopLine(
  parts: Parts,
  known: SubscriptionRecord,
  stopped: { readonly deliveryId: string; readonly at: number },
): Promise<SubscriptionRecord> {
  const { store } = parts
  let row = known
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (row.state === 'disabled' || row.pausedBy === 'user' || !isKnownSubscriptionState(row.state))
      return row
    const { breaker: _breaker, recovery: _recovery, ...rest } = conditionOf(row)
    const patch = {
      state: 'paused',
      pausedBy: 'user',
      condition: byPolicy(row, { ...rest, stopped }),
    } as const
    const after = await store.updateSubscription(row.tenantId, row.id, patch, { revision: row.revision })
    if (after === null) return row
    if (after !== 'conflict') {
      const subscription = await presentSubscription(after, parts)
      parts.report.subscriptionChanged({ change: 'paused', subscription })
      return after
    }
    row = (await store.getSubscription(row.tenantId, row.id)) ?? row
  }
  throw new PosthornError('CONFLICT', `The line did not stop: the subscription changed ${MAX_TRIES} times.`)
}
