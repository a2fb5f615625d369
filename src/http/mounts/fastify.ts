/** `posthorn/fastify`: the management API and `verifyWebhook` in Fastify, with raw bodies in their own scope only. */
import type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
import type { Handler } from '../handler.ts'
import { headerList, type NodeRequest, webRequest } from './node-bridge.ts'
import { type VerifyWebhookOptions, verifyNodeWebhook } from './verify-webhook.ts'

export type { VerifiedWebhook } from '../../signing/verified-webhook.ts'
export type { Handler } from '../handler.ts'
export type { NodeRequest } from './node-bridge.ts'
export type { VerifyWebhookOptions } from './verify-webhook.ts'

/** What is used of Fastify's request. */
export interface FastifyRequest {
  readonly raw: NodeRequest
  readonly body: unknown
}

/** What is used of Fastify's reply. */
export interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string | string[]): unknown
  send(body?: unknown): unknown
}

/** What is used of a Fastify scope for raw bodies. */
export interface FastifyBodies {
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: string,
    parser: (request: never, payload: never, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown
}

/** What is used of a Fastify scope. */
export interface FastifyScope extends FastifyBodies {
  readonly prefix: string
  route(options: {
    method: string[]
    url: string
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  }): unknown
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * A plugin. Its prefix counts as `basePath`; body parsers of the host do not reach into it, and `authorize` gets Fastify's
 * request as its second argument.
 *
 * @example
 * app.register(toFastify(createHandler(webhooks, { authorize })), { prefix: '/webhooks' })
 */
export function toFastify(handler: Handler): (scope: FastifyScope) => Promise<void> {
  return async (scope) => {
    leaveBodiesAlone(scope)
    const basePath = scope.prefix
    const handle = async (request: FastifyRequest, reply: FastifyReply) => {
      const response = await handler(webRequest(request.raw), { basePath, native: request })
      reply.code(response.status)
      for (const [name, value] of headerList(response.headers)) reply.header(name, value)
      return reply.send(response.body === null ? undefined : Buffer.from(await response.arrayBuffer()))
    }
    scope.route({ method: METHODS, url: '/*', handler: handle })
  }
}

/**
 * Leaves the bodies of this scope unread, so that `verifyWebhook` gets them raw. Call it inside a `register`: the rest of
 * the application keeps its parsers.
 *
 * @example
 * app.register(async (scope) => {
 *   leaveBodiesAlone(scope)
 *   scope.post('/in', async (request) => handle(await verifyWebhook(request, { secret })))
 * })
 */
export function leaveBodiesAlone(scope: FastifyBodies): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
}

/**
 * Verifies a webhook that Fastify has received; see `posthorn/node`.
 *
 * @throws VerificationError; Fastify answers 400
 */
export function verifyWebhook<Data = unknown>(
  request: FastifyRequest,
  options: VerifyWebhookOptions,
): Promise<VerifiedWebhook<Data>> {
  const { raw, body } = request
  const { rawBody } = request as { readonly rawBody?: unknown }
  return verifyNodeWebhook<Data>(
    {
      headers: raw.headers,
      readableDidRead: raw.readableDidRead,
      readableEnded: raw.readableEnded,
      body,
      rawBody,
      on: (event: never, listener: never) => raw.on(event, listener),
      pause: () => raw.pause(),
      resume: () => raw.resume(),
    },
    options,
  )
}
