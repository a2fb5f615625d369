/** What the three processes of the demo say to each other. */

/** From the receivers to the demo. */
export type FromReceivers =
  | { readonly kind: 'listening'; readonly urls: Readonly<Record<string, string>> }
  | { readonly kind: 'progress'; readonly requests: number; readonly accepted: number }
  | { readonly kind: 'ledger'; readonly ledger: ReceivedLedger }

/** From the demo to the receivers. */
export type ToReceivers =
  | { readonly kind: 'secrets'; readonly secrets: Readonly<Record<string, string>> }
  | { readonly kind: 'report' }

/** From the sender to the demo. */
export type FromSender =
  | { readonly kind: 'subscribed'; readonly secrets: Readonly<Record<string, string>> }
  | {
      readonly kind: 'progress'
      readonly published: number
      readonly attempts: number
      readonly succeeded: number
    }
  | { readonly kind: 'report'; readonly report: SentReport }

/** From the demo to the sender. */
export type ToSender =
  | { readonly kind: 'subscribe'; readonly urls: Readonly<Record<string, string>> }
  | { readonly kind: 'publish' }
  | { readonly kind: 'report' }

/** One webhook that a receiver verified and answered with 200. */
export interface Accepted {
  readonly key: string
  readonly eventId: string
  readonly type: string
  /** SHA-256 of the payload, as JSON. */
  readonly digest: string
}

/** What the receivers wrote down themselves. */
export interface ReceivedLedger {
  readonly accepted: readonly Accepted[]
  /** Requests that arrived whole, whatever the answer. */
  readonly requests: number
  /** Requests whose signature `standardwebhooks` did not accept. */
  readonly forged: number
  /** Connections that were cut while a receiver was down. */
  readonly cut: number
  /** Milliseconds from the first request to the last accepted one. */
  readonly spanMs: number
}

/** What the library says it did. */
export interface SentReport {
  readonly published: number
  /** Publishes that were recognised as repeats. */
  readonly repeats: number
  readonly attempts: number
  /** Attempts that got an HTTP answer. */
  readonly answered: number
  readonly retries: number
  /** Deliveries in state `succeeded`. */
  readonly succeeded: number
  /** Keys of the subscriptions that were disabled because their receiver is gone. */
  readonly disabled: readonly string[]
}
