/**
 * `verify`: the receivers' side, on any runtime. Everything is refused unless it is proven; it never decodes the
 * body before hashing it. Kept in few functions and few words, as every receiver bundles it.
 */

import type { VerifiableRequest } from './request.js'
import type { HeaderReader, ReceivedHeaders, Scheme, Verifier } from './scheme.js'
import { standardVerifier } from './standard-verifier.js'
import { VerificationError } from './verification-error.js'
import { Verified, type VerifiedWebhook } from './verified-webhook.js'

/** Options of `verify`. */
export interface VerifyOptions {
  /** The secret, for example `whsec_…`. Give this or `secrets`. */
  readonly secret?: string | undefined
  /** Several secrets while one is being replaced; `secretIndex` of the result says which one matched. At least one. */
  readonly secrets?: readonly string[]
  /** A scheme, called: `github()`, not `github`. @default standardWebhooks() */
  readonly scheme?: Scheme
  /**
   * How old, and how far in the future, a timestamp may be, in seconds; the limit itself is accepted. At most 3,600:
   * more is milliseconds by mistake. `Infinity` switches the check off; to verify what waited in a queue, give the time
   * of its arrival as `now`. Schemes without a signed timestamp have no such check.
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
 * @throws VerificationError (a rejection) and nothing else, whatever is sent. Answer 400, as its `status` says.
 * @example
 * const event = await verify(request, { secret: process.env.WEBHOOK_SECRET })
 * if (event.type === 'order.paid') ship(event.data)
 */
export async function verify<Data = unknown>(
  request: VerifiableRequest,
  options = {} as VerifyOptions,
): Promise<VerifiedWebhook<Data>> {
  let received: ReceivedHeaders | undefined
  try {
    const {
      secret,
      secrets = [secret as string],
      scheme = defaultVerifier as Scheme,
      tolerance = 300,
      now = Math.floor(Date.now() / 1000),
    } = options
    const keys = secrets.map(scheme.key)
    // Ends as `call-invalid`, with the tolerance as its cause.
    if (!keys.length || (tolerance > 3600 && tolerance < Infinity)) throw tolerance
    received = scheme.read(headerReader(request.headers as Headers & Record<string, unknown>))
    const timestamp = received.timestamp as string
    const age = now - +timestamp
    const plain = /^[1-9]\d{0,11}$/.test(timestamp)
    // Written so that NaN, from a wrong option, refuses.
    if (timestamp != null && !(plain && age <= tolerance && -age <= tolerance))
      throw new VerificationError(
        `timestamp-${plain ? (age < 0 ? 'too-new' : 'too-old') : 'invalid'}: ${age} s`,
      )
    if (32 in received.signatures) throw new VerificationError('too-many-signatures: over 32')
    const raw = request.arrayBuffer ? await request.arrayBuffer() : (request.rawBody ?? request.body)
    const body =
      typeof raw === 'string'
        ? new TextEncoder().encode(raw)
        : ArrayBuffer.isView(raw)
          ? (raw as Uint8Array)
          : // DataView refuses what is not a buffer, of whatever realm; Uint8Array would make something of it.
            new Uint8Array(new DataView(raw as ArrayBuffer).buffer)
    for (const i in keys)
      if (await scheme.match(keys[i], received, body)) return new Verified<Data>(received, body, +i)
    throw new VerificationError('no-match: wrong secret or body')
  } catch (cause) {
    throw cause instanceof VerificationError
      ? cause
      : new VerificationError(
          // Until the headers are read, nothing can fail but the call itself; behind them, only the body.
          received
            ? 'body-not-raw: use express.raw(), req.text(), rawBody'
            : 'call-invalid: headers, secrets, scheme() or tolerance',
          { cause },
        )
  }
}

const defaultVerifier: Verifier = /* @__PURE__ */ standardVerifier('webhook')

/** Reads headers of any kind; several values come joined by a comma. `Headers` are known by `get`, as `instanceof` fails across realms. */
const headerReader =
  (headers: Headers & Record<string, unknown>): HeaderReader =>
  (name) => {
    // A header of the name "get" is a text, or several.
    if ((headers.get as (() => unknown) | undefined)?.call) return headers.get(name)
    let found = ''
    for (const key in headers)
      if (key.length === name.length && key.toLowerCase() === name && headers[key])
        found += (found && ',') + headers[key]
    return found
  }
