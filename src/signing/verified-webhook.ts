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
   * @throws VerificationError `NOT_JSON`
   */
  readonly type: string | undefined
  /**
   * `data` of a `{ type, timestamp, data }` body, else the whole parsed body.
   *
   * @throws VerificationError `NOT_JSON`
   */
  readonly data: Data
  /** The verified bytes (not a copy). */
  readonly body: Uint8Array
  /** Which of `secrets` matched. */
  readonly secretIndex: number
}

/** The result. Accessors on a prototype: an object literal with accessors costs as much as a small HMAC. */
export class Verified<Data> implements VerifiedWebhook<Data> {
  declare readonly id: string | undefined
  declare readonly timestamp: number | undefined
  declare readonly body: Uint8Array
  declare readonly secretIndex: number
  readonly #event
  #parsed: { readonly type: string | undefined; readonly data: Data } | undefined

  constructor({ id, timestamp, type }: ReceivedHeaders, body: Uint8Array, secretIndex: number) {
    this.id = id
    this.timestamp = timestamp ? Number(timestamp) : undefined
    this.body = body
    this.secretIndex = secretIndex
    this.#event = type
  }

  get type() {
    return this.#parse().type
  }

  get data() {
    return this.#parse().data
  }

  #parse() {
    try {
      if (!this.#parsed) {
        const data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(this.body))
        this.#parsed =
          typeof data?.type === 'string' && data.data !== undefined ? data : { type: this.#event, data }
      }
      return this.#parsed as { readonly type: string | undefined; readonly data: Data }
    } catch {
      // Without a cause: the parser's message quotes the body.
      throw new VerificationError('NOT_JSON', 'use body')
    }
  }
}
