/** `signRequest`: makes a signed request for receivers' tests, exactly as Posthorn would send it. */

import type { Scheme } from './scheme.js'
import { createSigner } from './sign.js'
import { standardWebhooks } from './standard-webhooks.js'

/** What to sign: a raw body, or the parts of a `{ type, timestamp, data }` body. */
export interface RequestToSign {
  /** The raw body. @default JSON of `type`, `timestamp` and `data` */
  readonly body?: string | Uint8Array
  /** @default 'test.event' */
  readonly type?: string
  readonly data?: unknown
  /** @default a random `msg_…` id */
  readonly id?: string
  /** Seconds since 1970. @default now */
  readonly timestamp?: number
}

/** Options of `signRequest`. */
export interface SignRequestOptions {
  /** Give this or `secrets`; for `ed25519()` a `whsk_` key. */
  readonly secret?: string
  /** Newest first. */
  readonly secrets?: readonly string[]
  /** @default standardWebhooks() */
  readonly scheme?: Scheme
}

/** A signed request: pass it to `verify`, or spread it into `new Request(url, { method: 'POST', ...signed })`. */
export interface SignedRequest {
  readonly headers: Record<string, string>
  readonly body: Uint8Array<ArrayBuffer>
}

/**
 * Signs a request for a test of a receiver.
 *
 * @throws SigningError (a rejection)
 * @example
 * const signed = await signRequest({ type: 'order.paid', data: { orderId: '1' } }, { secret })
 * await app.request('/webhooks', { method: 'POST', ...signed })
 */
export async function signRequest(
  request: RequestToSign,
  options: SignRequestOptions,
): Promise<SignedRequest> {
  const { type = 'test.event', data = null, id = `msg_${crypto.randomUUID()}` } = request
  const time = request.timestamp === undefined ? new Date() : new Date(request.timestamp * 1000)
  const timestamp = Math.floor(time.getTime() / 1000)
  const raw = request.body ?? JSON.stringify({ type, timestamp: time, data })
  const body = typeof raw === 'string' ? new TextEncoder().encode(raw) : new Uint8Array(raw)
  const { secret, secrets = secret === undefined ? [] : [secret], scheme = standardWebhooks() } = options
  const headers = await createSigner([{ scheme, secrets }])({ id, timestamp, type, body })
  return { headers: { 'content-type': 'application/json', ...headers }, body }
}
