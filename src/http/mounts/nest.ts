/** `posthorn/nest`: the management API and `verifyWebhook` in NestJS, on its Express or Fastify platform. */
import type { Handler } from '../handler.ts'
import { type ExpressRequest, toExpress } from './express.ts'
import type { NodeResponse } from './node-bridge.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { ExpressRequest } from './express.ts'
export type { NodeRequest, NodeResponse } from './node-bridge.ts'
export { type VerifyWebhookOptions, verifyNodeWebhook as verifyWebhook } from './verify-webhook.ts'

/**
 * A functional middleware, for `app.use` or a module's `consumer.apply`. Give `createHandler` the `basePath` where the
 * platform does not tell it (`consumer.apply`, Fastify).
 *
 * @example
 * const app = await NestFactory.create(AppModule, { rawBody: true })
 * app.use('/webhooks', toNest(createHandler(webhooks, { authorize })))
 */
export function toNest(
  handler: Handler,
): (request: ExpressRequest, response: NodeResponse, next: (error?: unknown) => void) => void {
  return toExpress(handler)
}
