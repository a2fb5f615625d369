/** Takes the raw bytes of a received request. Refuses a parsed body: its bytes are gone. */

import type { HeadersLike } from './request-headers.js'
import { VerificationError } from './verification-error.js'

/** The raw body. `unknown` objects are refused with the fix. */
export type RawBody = string | Uint8Array | ArrayBuffer

/** What `verify` takes: a fetch `Request`, or headers with the raw body. */
export type VerifiableRequest =
  | { readonly headers: HeadersLike; arrayBuffer(): Promise<ArrayBuffer> }
  | { readonly headers: HeadersLike; readonly body?: unknown; readonly rawBody?: unknown }

/**
 * The bytes that arrived; views are not copied.
 *
 * @throws VerificationError `BODY_NOT_RAW`.
 */
export async function readBody(request: VerifiableRequest): Promise<Uint8Array> {
  const body: unknown =
    'arrayBuffer' in request ? await request.arrayBuffer() : (request.rawBody ?? request.body)
  if (typeof body === 'string') return new TextEncoder().encode(body)
  // By tag, as instanceof fails across realms.
  if (/Uint8Array|ArrayBuffer/.test(Object.prototype.toString.call(body))) {
    const { buffer, byteOffset, byteLength } = body as Uint8Array
    return new Uint8Array(buffer ?? body, byteOffset, byteLength)
  }
  throw new VerificationError(
    'BODY_NOT_RAW',
    'use express.raw(), await req.text(), Fastify/Nest rawBody, Vercel bodyParser: false',
  )
}
