/** Routes of the documents that describe this API and its events. */
import { z } from 'zod/v4'
import { asyncApiDocument } from '../asyncapi.ts'
import { openApiDocument } from '../openapi.ts'
import { type Route, route } from '../route.ts'

const document = {
  method: 'GET',
  tag: 'System',
  role: 'read-only',
  ofTenant: false,
  body: null,
  status: 200,
  output: z.looseObject({}),
} as const

/** @param all The whole table, these routes among it. */
export const documentRoutes = (all: () => readonly Route[]): readonly Route[] => [
  route({
    ...document,
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This API and the events that receivers get, as OpenAPI 3.1',
    call: async ({ webhooks, site }) => openApiDocument(all(), webhooks.catalog, site),
  }),
  route({
    ...document,
    path: '/asyncapi.json',
    operationId: 'getAsyncApi',
    summary: 'The events that receivers get, as AsyncAPI 3',
    call: async ({ webhooks, site }) => asyncApiDocument(webhooks.catalog, site),
  }),
]
