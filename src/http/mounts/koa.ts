/** `posthorn/koa`: the management API and `verifyWebhook` in Koa. */
import type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
import type { Handler } from '../handler.ts'
import { headerList, type NodeRequest, webRequest } from './node-bridge.ts'
import { type VerifyWebhookOptions, verifyNodeWebhook } from './verify-webhook.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { NodeRequest } from './node-bridge.ts'
export type { VerifyWebhookOptions } from './verify-webhook.ts'

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: NodeRequest
  /** Body parsers leave `body` and `rawBody` here. */
  readonly request: object
  readonly path: string
  status: number
  body: unknown
  set(name: string, value: string | string[]): unknown
}

/** Where the handler lives. */
export interface KoaMountOptions {
  /** Requests below this path are answered, others go on; it counts as the handler's `basePath`. @default '' (all) */
  readonly path?: string
}

/**
 * A middleware. Body parsers may run before it or not; `authorize` gets Koa's context as its second argument.
 *
 * @example
 * app.use(toKoa(createHandler(webhooks, { authorize }), { path: '/webhooks' }))
 */
export function toKoa(
  handler: Handler,
  { path = '' }: KoaMountOptions = {},
): (context: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  const base = path.replace(/\/+$/, '')
  return async (context, next) => {
    if (!context.path.startsWith(`${base}/`)) {
      await next()
      return
    }
    const mount = { native: context, ...(base === '' ? {} : { basePath: base }) }
    const response = await handler(webRequest(seenThrough(context)), mount)
    context.status = response.status
    for (const [name, value] of headerList(response.headers)) context.set(name, value)
    if (response.body !== null) context.body = Buffer.from(await response.arrayBuffer())
    else context.body = null
    // Setting an empty body makes Koa choose 204.
    context.status = response.status
  }
}

/**
 * Verifies a webhook that Koa has received; see `posthorn/node`.
 *
 * @throws VerificationError
 */
export function verifyWebhook<Data = unknown>(
  context: KoaContext,
  options: VerifyWebhookOptions,
): Promise<VerifiedWebhook<Data>> {
  return verifyNodeWebhook<Data>(seenThrough(context), options)
}

/** Node's request with what body parsers have left on Koa's. */
function seenThrough({ req, request }: KoaContext): NodeRequest {
  const { body, rawBody } = request as { readonly body?: unknown; readonly rawBody?: unknown }
  return {
    method: req.method,
    url: req.url,
    originalUrl: req.originalUrl,
    headers: req.headers,
    socket: req.socket,
    readableDidRead: req.readableDidRead,
    readableEnded: req.readableEnded,
    body,
    rawBody,
    on: (event: never, listener: never) => req.on(event, listener),
    pause: () => req.pause(),
    resume: () => req.resume(),
  }
}
