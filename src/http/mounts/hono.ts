/** `posthorn/hono`: the management API and `verifyWebhook` in Hono, on every runtime that it runs on. */
import type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
import { verify } from '../../signing/verify.ts'
import type { Handler } from '../handler.ts'
import { bodyTooLarge, MAX_BODY_BYTES, type VerifyWebhookOptions, withStatus } from './verify-webhook.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { VerifyWebhookOptions } from './verify-webhook.ts'

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly routePath?: string
    arrayBuffer(): Promise<ArrayBuffer>
  }
}

/**
 * A handler for a wildcard route; the part before the wildcard counts as `basePath`. The body may have been read through
 * Hono before; `authorize` gets Hono's context as its second argument.
 *
 * @example
 * app.all('/webhooks/*', toHono(createHandler(webhooks, { authorize })))
 */
export function toHono(handler: Handler): (context: HonoContext) => Promise<Response> {
  return async (context) => {
    const { routePath = '' } = context.req
    const basePath = routePath.endsWith('/*') ? routePath.slice(0, -2) : undefined
    return handler(await unread(context), { basePath: basePath || undefined, native: context })
  }

  async function unread({ req }: HonoContext): Promise<Request> {
    if (!req.raw.bodyUsed) return req.raw
    const { url, method, headers } = req.raw
    return new Request(url, { method, headers, body: await req.arrayBuffer() })
  }
}

/**
 * Verifies a webhook that Hono has received, also after `c.req.json()`.
 *
 * @throws VerificationError with `status` 400, or 413 for a body that is too large
 */
export function verifyWebhook<Data = unknown>(
  context: HonoContext,
  { maxBodyBytes = MAX_BODY_BYTES, ...options }: VerifyWebhookOptions,
): Promise<VerifiedWebhook<Data>> {
  return withStatus(async () => {
    const { headers } = context.req.raw
    if (Number(headers.get('content-length') ?? 0) > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
    const body = await context.req.arrayBuffer()
    if (body.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes)
    return verify<Data>({ headers, body }, options)
  })
}
