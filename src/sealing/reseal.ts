/**
 * `webhooks.resealSecrets()`: brings everything that is stored sealed under the current key. What is done stays done, so it is
 * safe to repeat, to interrupt and to run beside everything else.
 */
import type { Parts } from '../parts.ts'
import { resealDestinations } from './reseal-destinations.ts'
import { resealSubscriptions } from './reseal-subscriptions.ts'
import type { ResealCount } from './resealed.ts'

/** What `resealSecrets` came to. Where it has `resealed` nothing and found nothing `unreadable`, `sealedSecrets` needs no older key. */
export interface Resealed {
  /** Subscriptions, with their signing secrets and header values: all there are. */
  readonly subscriptions: ResealCount
  /** One-use destinations (`to`) of pending deliveries: all that wait. */
  readonly destinations: ResealCount
}

/** Builds it. */
export const createReseal = (parts: Parts) => async (): Promise<Resealed> => ({
  subscriptions: await resealSubscriptions(parts),
  destinations: await resealDestinations(parts),
})
