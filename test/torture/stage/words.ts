/** What the processes of a stage say to each other: plain JSON, over IPC and in ledgers. */
import type { StorePlace } from '../../../src/cli/open-store.ts'
import type { WebhooksOptions } from '../../../src/options.ts'

/** What an endpoint does with a request. */
export interface Behaviour {
  readonly kind: 'answer' | 'hang' | 'reset'
  /** @default 204 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** How long it takes to answer: from, to. @default at once */
  readonly answerMs?: readonly [number, number]
  /** This share of its answers is 500 instead. */
  readonly failShare?: number
  /** Every event of this key is answered with 500. */
  readonly failKey?: string
}

/** What the driver asks of the receiver. */
export type ReceiverOrder =
  | { readonly behave: Behaviour; readonly endpoints: readonly number[] | 'all' }
  | { readonly flush: true }

/** One request, as the receiver saw it. */
export interface Arrival {
  readonly endpoint: number
  readonly path: string
  /** `webhook-id`. */
  readonly id: string
  readonly worker: string
  readonly at: number
  /** When it was answered; null when the connection ended before. */
  readonly answered: number | null
  readonly status: number
  /** The signature was valid, by a verifier that shares no code with the library; null where it was not looked at. */
  readonly valid: boolean | null
  /** SHA-256 of the body, shortened. */
  readonly body: string
  /** From the payload: its ordering key, its number, when it was published. */
  readonly key: string
  readonly n: number
  readonly sent: number
}

/** The payload of every event of a stage. */
export interface Payload {
  readonly key: string
  readonly n: number
  readonly sent: number
  readonly [more: string]: unknown
}

/** The options of a sending process that can be said in JSON. */
export type SenderOptions = Pick<
  WebhooksOptions,
  | 'breaker'
  | 'concurrency'
  | 'concurrencyPerOrigin'
  | 'concurrencyPerSubscription'
  | 'disableAfter'
  | 'gone'
  | 'maxAgeMs'
  | 'maxBodyBytes'
  | 'retry'
  | 'throttle'
  | 'timeoutMs'
>

/** What a sending process sends with. */
export interface Carrier {
  /** @default 'undici' */
  readonly transport?: 'undici' | 'ky'
  /** The only authority that it trusts, as PEM. @default those of Node */
  readonly ca?: string
}

/** What a sending process is given. */
export interface SenderSettings {
  readonly place: StorePlace
  readonly name: string
  readonly ledger: string
  readonly options: SenderOptions
  readonly carrier?: Carrier | undefined
}

/** An event with its payload, ready to be published. */
export interface Entry {
  readonly tenantId: string
  readonly type: string
  readonly orderingKey?: string
  readonly data: Payload
}

/** What the driver asks of a sending process. */
export type SenderOrder = { readonly measure: true } | { readonly publish: readonly Entry[] }

/** What the library told a sending process. */
export type Told =
  | { readonly kind: 'ended'; readonly deliveryId: string; readonly eventId: string; readonly state: string }
  | { readonly kind: 'exhausted'; readonly deliveryId: string }

/** What a sending process measured of itself. */
export interface Measured {
  /** Most requests in flight at a time: in all, and to one URL. */
  readonly peak: number
  readonly peakByUrl: Readonly<Record<string, number>>
  readonly loopP99Ms: number
  readonly maxRssMb: number
  /** Now. */
  readonly rssMb: number
  readonly longestTimerMs: number
}
