/** `posthorn/next`: the management API and `verifyWebhook` as Next.js route handlers. Pages API routes take `posthorn/node`. */
import type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
import { verify } from '../../signing/verify.ts'
import type { Handler } from '../handler.ts'
import { bodyTooLarge, MAX_BODY_BYTES, type VerifyWebhookOptions, withStatus } from './verify-webhook.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { VerifyWebhookOptions } from './verify-webhook.ts'

/** What a `route.ts` exports. */
export type NextRoutes = Readonly<
  Record<
    'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
    (request: Request) => Promise<Response>
  >
>

/**
 * Route handlers for a catch-all folder. Give `createHandler` the folder's path as `basePath`.
 *
 * @example
 * // app/api/webhooks/[...path]/route.ts
 * export const { GET, POST, PATCH, DELETE } = toNext(
 *   createHandler(webhooks, { basePath: '/api/webhooks', authorize }),
 * )
 */
export function toNext(handler: Handler): NextRoutes {
  // Next passes its own second argument, which says nothing about the mount.
  const route = (request: Request) => handler(request)
  return { GET: route, HEAD: route, POST: route, PUT: route, PATCH: route, DELETE: route, OPTIONS: route }
}

/**
 * Verifies a webhook that a route handler has received.
 *
 * @throws VerificationError with `status` 400, or 413 for a body that is too large
 */
export function verifyWebhook<Data = unknown>(
  request: Request,
  { maxBodyBytes = MAX_BODY_BYTES, ...options }: VerifyWebhookOptions,
): Promise<VerifiedWebhook<Data>> {
  return withStatus(async () => {
    const { headers } = request
    if (Number(headers.get('content-length') ?? 0) > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
    // verify says what is wrong where the body was read before.
    if (request.bodyUsed) return verify<Data>(request, options)
    const body = await request.arrayBuffer()
    if (body.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
    return verify<Data>({ headers, body }, options)
  })
}
