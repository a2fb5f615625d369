/**
 * `posthorn/http`: the management API as one web-standard handler, to be mounted in any framework.
 *
 * @example
 * import { createHandler } from 'posthorn/http'
 * const handler = createHandler(webhooks, { basePath: '/webhooks', authorize })
 * Bun.serve({ fetch: handler })
 */
import type { Catalog } from '../index.ts'
import { asyncApiDocument } from './asyncapi.ts'
import { documentOptions } from './handler-options.ts'
import { type DocumentOptions, openApiDocument } from './openapi.ts'
import { routes } from './routes.ts'

export type { Authorization, Authorize, Role } from './authorize.ts'
export { createHandler, type Handler, type MountContext } from './handler.ts'
export type { HandlerOptions } from './handler-options.ts'
export type { DocumentOptions } from './openapi.ts'
export type { HttpErrorCode, Problem } from './problem.ts'
export type { Json } from './schema-document.ts'

/** The OpenAPI 3.1 document of the management API and the events of `webhooks`, for a build step. @throws PosthornError `INVALID_OPTION` */
export const openApi = (webhooks: { readonly catalog: Catalog | null }, options?: DocumentOptions) =>
  openApiDocument(routes, webhooks.catalog, documentOptions(options))

/** The AsyncAPI 3 document of the events of `webhooks`, for a build step. @throws PosthornError `INVALID_OPTION` */
export const asyncApi = (webhooks: { readonly catalog: Catalog | null }, options?: DocumentOptions) =>
  asyncApiDocument(webhooks.catalog, documentOptions(options))
