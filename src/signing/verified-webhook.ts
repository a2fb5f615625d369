/** What `verify` returns. `data` and `type` are parsed from the verified bytes on first access only. */

import type { ReceivedHeaders } from './scheme.js'
import { VerificationError } from './verification-error.js'

/** A webhook whose signature has been verified. */
export interface VerifiedWebhook<Data = unknown> {
  /** The same on every retry: use it to drop duplicates. Undefined when the scheme has no id header. */
  readonly id: string | undefined
  /** Seconds since 1970 when this attempt was signed. Undefined when the scheme signs none. */
  readonly timestamp: number | undefined
  /**
   * The event type: `type` of a `{ type, timestamp, data }` body, else the scheme's event header (not signed),
   * else undefined.
   *
   * @throws VerificationError `not-json`
   */
  readonly type: string | undefined
  /**
   * `data` of a `{ type, timestamp, data }` body, else the whole parsed body.
   *
   * @throws VerificationError `not-json`
   */
  readonly data: Data
  /** The verified bytes (not a copy). */
  readonly body: Uint8Array
  /** Which of `secrets` matched. */
  readonly secretIndex: number
}

/** The result. Accessors on a prototype: an object literal with accessors costs half as much as a small HMAC. */
export class Verified<Data> implements VerifiedWebhook<Data> {
  declare readonly id: string | undefined
  declare readonly timestamp: number | undefined
  declare readonly body: Uint8Array
  declare readonly secretIndex: number
  #type: string | undefined
  #event: { readonly type: string | undefined; readonly data: Data } | undefined

  constructor({ id, type, timestamp }: ReceivedHeaders, body: Uint8Array, secretIndex: number) {
    this.id = id
    this.#type = type
    this.timestamp = (timestamp && +timestamp) as number | undefined
    this.body = body
    this.secretIndex = secretIndex
  }

  get type() {
    this.data
    return (this.#event as { type: string | undefined }).type
  }

  get data() {
    try {
      if (!this.#event) {
        const json = JSON.parse(new TextDecoder().decode(this.body))
        this.#event =
          typeof json?.type === 'string' && 'data' in json ? json : { type: this.#type, data: json }
      }
      return (this.#event as { data: Data }).data
    } catch {
      // Without a cause: the parser's message quotes the body.
      throw new VerificationError('not-json: use body')
    }
  }
}
