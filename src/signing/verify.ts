/**
 * `verify`: the receivers' side, on any runtime. Everything is refused unless it is proven; it never decodes the
 * body before hashing it. Its rules are numbered in the reference, section 4.
 */

import { readBody, type VerifiableRequest } from './request-body.js'
import { headerReader } from './request-headers.js'
import type { Scheme } from './scheme.js'
import { standardWebhooks } from './standard-webhooks.js'
import { unixNow } from './unix-now.js'
import { VerificationError } from './verification-error.js'
import { Verified, type VerifiedWebhook } from './verified-webhook.js'

/** Options of `verify`. */
export interface VerifyOptions {
  /** The secret, for example `whsec_…`. Give this or `secrets`. */
  readonly secret?: string | undefined
  /** Several secrets while one is being replaced; `secretIndex` of the result says which one matched. */
  readonly secrets?: readonly string[]
  /** @default standardWebhooks() */
  readonly scheme?: Scheme
  /**
   * How old, and how far in the future, a timestamp may be, in seconds; the limit itself is accepted. `Infinity`
   * switches the check off. Schemes without a signed timestamp have no such check.
   *
   * @default 300
   */
  readonly tolerance?: number
  /** The time to verify at, in seconds since 1970. @default the machine's clock */
  readonly now?: number
}

/**
 * Verifies a received webhook and returns what is proven.
 *
 * Accepts a fetch `Request`, or an object with `headers` and the raw `body` (string, Uint8Array, ArrayBuffer):
 * Node's, Express' and Fastify's requests are such objects when their body has been left raw; `rawBody` goes
 * before `body` (Nest, Google Cloud Functions). Delivery is at least once: remember `id` for as long as a sender
 * may retry. Limit the size of bodies in the framework.
 *
 * @throws VerificationError (a rejection) and nothing else, whatever is sent.
 * @example
 * const event = await verify(request, { secret: process.env.WEBHOOK_SECRET })
 * if (event.type === 'order.paid') ship(event.data)
 */
export async function verify<Data = unknown>(
  request: VerifiableRequest,
  {
    secret = '',
    secrets = [secret],
    scheme = standardWebhooks(),
    tolerance = 300,
    now = unixNow(),
  }: VerifyOptions,
): Promise<VerifiedWebhook<Data>> {
  try {
    const { key, read, match } = scheme.verifier
    const keys = (secrets.length ? secrets : ['']).map(key)
    const body = await readBody(request)
    const received = read(headerReader(request.headers))
    const { timestamp, signatures } = received
    if (timestamp !== undefined) {
      const age = now - Number(timestamp)
      if (!/^[1-9]\d{0,11}$/.test(timestamp))
        throw new VerificationError('TIMESTAMP_INVALID', 'not in seconds')
      // Written so that NaN, from a wrong option, refuses.
      if (!(Math.abs(age) <= tolerance))
        throw new VerificationError(
          age < 0 ? 'TIMESTAMP_TOO_NEW' : 'TIMESTAMP_TOO_OLD',
          `${age} s old, over ${tolerance}: check clocks`,
        )
    }
    if (signatures.length > 32) throw new VerificationError('TOO_MANY_SIGNATURES', 'over 32')
    for (const [index, key] of keys.entries())
      if (await match(key, received, body)) return new Verified<Data>(received, body, index)
    throw new VerificationError('NO_MATCH', 'wrong secret, or not the raw body')
  } catch (error) {
    throw error instanceof VerificationError
      ? error
      : new VerificationError('REQUEST_UNREADABLE', 'was its body consumed?', { cause: error })
  }
}
