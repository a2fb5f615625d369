/** Routes over the whole: the catalogue of events. What describes the API itself is in `routes.ts`, as it needs the table. */
import { z } from 'zod/v4'
import { notFound, ProblemError } from '../problem.ts'
import { route } from '../route.ts'
import { described, named } from '../schemas/named.ts'

const catalogueEntry = named(
  'CatalogueEntry',
  z.object({
    type: z.string(),
    schema: described(z.unknown(), 'JSON Schema (2020-12) of `data`.'),
    example: z.unknown(),
  }),
  'One event type.',
)

export const systemRoutes = [
  route({
    method: 'GET',
    path: '/catalogue',
    operationId: 'listEventTypes',
    summary: 'List the event types with the schema of their payload',
    tag: 'System',
    role: 'read-only',
    ofTenant: false,
    body: null,
    status: 200,
    output: z.object({ items: z.array(catalogueEntry) }),
    async call({ webhooks: { catalog } }) {
      if (catalog === null) return { items: [] }
      const schemas = catalog.jsonSchema()
      return {
        items: catalog.types.map((type) => ({
          type,
          schema: schemas[type] ?? {},
          example: catalog.example(type),
        })),
      }
    },
  }),
  route({
    method: 'GET',
    path: '/catalogue/{type}',
    operationId: 'getEventSchema',
    summary: 'Read the JSON Schema of one event type',
    tag: 'System',
    role: 'read-only',
    ofTenant: false,
    params: { type: z.string().min(1).max(128) },
    body: null,
    status: 200,
    output: named('JsonSchema', z.looseObject({}), 'A JSON Schema (2020-12).'),
    async call({ webhooks: { catalog }, params }) {
      const schema = catalog?.has(params.type) ? catalog.jsonSchema()[params.type] : undefined
      if (schema === undefined) throw new ProblemError(notFound)
      return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }
    },
  }),
]
