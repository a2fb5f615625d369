/** URLs as attempts, reports, notices and log lines show them. */
import type { Subscription } from './model.ts'

/** Without its query and fragment, which may hold a token: `https://receiver.example/hook?…`. */
export function shownUrl(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : `${url.slice(0, end)}?…`
}

/** A copy for a report, whose reader need not be one who may read the subscription. */
export const shownSubscription = (subscription: Subscription): Subscription => ({
  ...subscription,
  url: shownUrl(subscription.url),
})
