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
  /** The headers at first, then the parsed body. */
  #event: { readonly type?: string | undefined; readonly data?: Data }

  constructor(received: ReceivedHeaders, body: Uint8Array, secretIndex: number) {
    this.id = received.id
    this.timestamp = (received.timestamp && +received.timestamp) as number | undefined
    this.body = body
    this.secretIndex = secretIndex
    this.#event = received
  }

  get type() {
    this.data
    return this.#event.type
  }

  get data() {
    try {
      if (!('data' in this.#event)) {
        const json = JSON.parse(new TextDecoder().decode(this.body))
        this.#event =
          typeof json?.type === 'string' && 'data' in json ? json : { type: this.#event.type, data: json }
      }
      return this.#event.data as Data
    } catch {
      // Without a cause: the parser's message quotes the body.
      throw new VerificationError('not-json: use body')
    }
  }
}
