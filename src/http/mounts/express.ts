/** `posthorn/express`: the management API and `verifyWebhook` in Express 4 and 5. */
import type { Handler } from '../handler.ts'
import { mountPath, type NodeRequest, type NodeResponse, serveNode } from './node-bridge.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { NodeRequest, NodeResponse } from './node-bridge.ts'
export { type VerifyWebhookOptions, verifyNodeWebhook as verifyWebhook } from './verify-webhook.ts'

/** What is used of Express' request. */
export interface ExpressRequest extends NodeRequest {
  readonly baseUrl?: string | undefined
}

/**
 * A middleware. Body parsers may run before it or not. The path that it is used at counts as `basePath`, and `authorize`
 * gets Express' request as its second argument.
 *
 * @example
 * app.use('/webhooks', toExpress(createHandler(webhooks, { authorize })))
 */
export function toExpress(
  handler: Handler,
): (request: ExpressRequest, response: NodeResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    const basePath = mountPath(request.baseUrl, request)
    serveNode(handler, request, response, { basePath, native: request }).catch(next)
  }
}

/**
 * For `express.json({ verify: keepRawBody })`: keeps the bytes beside the parsed body, so that `verifyWebhook` works for
 * every sender.
 */
export function keepRawBody(request: object, _response: unknown, bytes: Uint8Array): void {
  Object.assign(request, { rawBody: bytes })
}
