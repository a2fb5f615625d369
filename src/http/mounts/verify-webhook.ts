/**
 * The receivers' half of the mounts: verifies a webhook from the request of a Node framework, whatever its body parser
 * has done to the body. Errors carry a status that the frameworks answer with.
 */
import { VerificationError } from '../../signing/verification-error.ts'
import type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
import { type VerifyOptions, verify } from '../../signing/verify.ts'
import { hostBody, type NodeRequest } from './node-bridge.ts'

/** Options of `verifyWebhook`. */
export interface VerifyWebhookOptions extends VerifyOptions {
  /** Largest body that is read, in bytes. @default 1_048_576 */
  readonly maxBodyBytes?: number
}

/** The default of `maxBodyBytes`. */
export const MAX_BODY_BYTES = 1_048_576

/**
 * Verifies a webhook that a Node framework has received.
 *
 * The raw body is used where it is: in `rawBody`, in a `body` that was left raw, or still in the stream. Where only a
 * parsed body is left, it is written as JSON again: that verifies what a JavaScript sender has sent, and nothing that
 * was not signed; for other senders the error `body-not-raw` says what to do.
 *
 * @throws VerificationError with `status` and `statusCode` 400, or 413 for a body that is too large
 */
export async function verifyNodeWebhook<Data = unknown>(
  request: NodeRequest,
  { maxBodyBytes = MAX_BODY_BYTES, ...options }: VerifyWebhookOptions,
): Promise<VerifiedWebhook<Data>> {
  const { headers } = request
  const found = hostBody(request)
  return withStatus(async () => {
    if (found.kind === 'none') return verify<Data>({ headers }, options)
    if (found.kind === 'parsed') return verifyParsed<Data>(headers, found.text, options)
    const body = found.kind === 'raw' ? found.bytes : await bytesOf(request, maxBodyBytes)
    return verify<Data>({ headers, body }, options)
  })
}

/**
 * The same error, with all that frameworks look for: `statusCode` (Nest), `expose` (Koa shows the message), `getResponse`
 * (Hono).
 */
export async function withStatus<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof VerificationError)
      Object.assign(error, {
        statusCode: error.status,
        expose: true,
        getResponse: () => new Response(error.message, { status: error.status }),
      })
    throw error
  }
}

/** The error of a body that is over the limit. */
export function bodyTooLarge(maxBodyBytes: number): VerificationError {
  const error = new VerificationError(`body-not-raw: over ${maxBodyBytes} bytes, see maxBodyBytes`)
  return Object.assign(error, { status: 413 })
}

async function verifyParsed<Data>(
  headers: NodeRequest['headers'],
  body: string,
  options: VerifyOptions,
): Promise<VerifiedWebhook<Data>> {
  try {
    return await verify<Data>({ headers, body }, options)
  } catch (cause) {
    if (!(cause instanceof VerificationError) || cause.code !== 'no-match') throw cause
    throw new VerificationError(
      'body-not-raw: a body parser has read it, and written again it does not match: keep the raw body for this route',
      { cause },
    )
  }
}

function bytesOf(request: NodeRequest, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    request.on('data', (chunk) => {
      size += chunk.byteLength
      // Read on without keeping it: the answer needs the socket.
      if (size > maxBodyBytes) reject(bodyTooLarge(maxBodyBytes))
      else chunks.push(chunk)
    })
    request.on('end', () => {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        bytes.set(chunk, at)
        at += chunk.byteLength
      }
      resolve(bytes)
    })
    const broken = () => reject(new VerificationError('body-not-raw: the request broke off'))
    request.on('error', broken)
    request.on('close', broken)
  })
}
