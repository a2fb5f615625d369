/**
 * The limits of the door, once more on what the store gives back: a row may be older than a rule, or written past the door.
 * What the door refuses is not sent either: its deliveries are set aside as quarantined, and everything else goes on.
 */
import { PosthornError } from '../errors.ts'
import { headersOf } from '../input/headers-input.ts'
import type { Metadata } from '../model.ts'
import { EVENT_NAME } from '../patterns.ts'
import type { SubscriptionRecord } from '../records.ts'
import { descriptionOf, metadataOf, nameOf } from '../subscriptions/input.ts'
import { limitsInput, retryInput } from '../subscriptions/limits-input.ts'
import { selectionInput } from '../subscriptions/selection-input.ts'
import type { Task } from './task.ts'

/** No body may be larger, whatever `maxBodyBytes` says; in UTF-16 units, of which UTF-8 takes at least a byte each. */
const MAX_BODY = 1_048_576

/** The error of a row that cannot be read in this part. It never shows what stands there. */
export const brokenRow = (what: string, part: string): PosthornError =>
  new PosthornError('INVALID_INPUT', `The stored ${what} is broken in \`${part}\``, { path: part })

/** @throws PosthornError what the door would say of this subscription */
export function checkSubscriptionRow(row: SubscriptionRecord): void {
  const { broken, settings, name, description, metadata } = row
  if (broken !== undefined) throw brokenRow('subscription', broken)
  nameOf(name)
  descriptionOf(description)
  metadataOf(metadata)
  limitsInput(settings)
  // A version that the host has taken out of `versions` since is no fault of the row.
  selectionInput(settings, { versions: null })
}

/** The headers that are kept with a delivery. @throws PosthornError INVALID_HEADERS */
export function deliveryHeaders(headers: Readonly<Record<string, string>> | null) {
  return headers === null ? null : headersOf(headers, [])
}

/** True for a task whose event or delivery was not stored by us as it is now. */
export function isBroken({ event, stored, delivery }: Task): boolean {
  return (
    event.broken !== undefined ||
    (stored !== null && stored.broken !== undefined) ||
    !EVENT_NAME.test(event.type) ||
    !isRetry(event.settings.retry) ||
    !areLabels(event.metadata) ||
    (delivery.body ?? event.body ?? '').length > MAX_BODY
  )
}

/** Most events bring no policy of their own. */
const isRetry = (policy: unknown): boolean => policy === undefined || passes(() => retryInput(policy))

/** Most events have no labels. */
function areLabels(metadata: Metadata): boolean {
  for (const _ in metadata) return passes(() => metadataOf(metadata))
  return true
}

function passes(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
