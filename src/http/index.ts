/**
 * `posthorn/http`: the management API as one web-standard handler, to be mounted in any framework.
 *
 * @example
 * import { createHandler } from 'posthorn/http'
 * const handler = createHandler(webhooks, { basePath: '/webhooks', authorize })
 * Bun.serve({ fetch: handler })
 */
export type { Authorization, Authorize, Role } from './authorize.ts'
export { createHandler, type Handler, type MountContext } from './handler.ts'
export type { HandlerOptions } from './handler-options.ts'
export type { HttpErrorCode, Problem } from './problem.ts'
