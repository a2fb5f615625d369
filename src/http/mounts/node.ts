/** `posthorn/node`: the management API and `verifyWebhook` on a plain `node:http` server. */
import type { Handler } from '../handler.ts'
import { type NodeRequest, type NodeResponse, serveNode } from './node-bridge.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { NodeRequest, NodeResponse } from './node-bridge.ts'
export { type VerifyWebhookOptions, verifyNodeWebhook as verifyWebhook } from './verify-webhook.ts'

/**
 * A request listener.
 *
 * @example
 * createServer(toNode(createHandler(webhooks, { authorize }))).listen(3000)
 */
export function toNode(handler: Handler): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  return (request, response) => serveNode(handler, request, response, { native: request })
}
