/**
 * The OpenAPI 3.1 document: paths from the route table, with the schemas that validate; `webhooks` from the event
 * catalogue. Nothing in it is written by hand twice.
 */
import type { Catalog } from '../index.ts'
import type { Route } from './route.ts'
import { collectSchemas, documentedEvents, type Json, type SchemaCollector } from './schema-document.ts'

/** What documents say about a place. */
export interface DocumentOptions {
  /** The path in front of every route. @default '' */
  readonly basePath?: string | undefined
  /** @default 'Webhooks' */
  readonly title?: string | undefined
  /** @default '1.0.0' */
  readonly version?: string | undefined
  /**
   * For an `envelope` of your own: the JSON Schema of the body of this event, given (a reference to) that of its data.
   * @default that of `{ type, timestamp, data }`
   */
  readonly bodySchema?: ((type: string, data: Json) => Json) | undefined
}

const problem = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; compare by it.' },
    detail: { type: 'string' },
    path: { type: 'string', description: 'The offending field.' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'detail'],
}

/** Builds the document of these routes and this catalogue. */
export function openApiDocument(
  routes: readonly Route[],
  catalog: Catalog | null,
  { basePath = '', title = 'Webhooks', version = '1.0.0', bodySchema }: DocumentOptions = {},
): Json {
  const collector = collectSchemas()
  collector.addForeign('Problem', problem)
  const paths: { [path: string]: Json } = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, collector) }
  }
  const events = documentedEvents(catalog, collector, bodySchema)
  return {
    openapi: '3.1.0',
    info: { title, version },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    webhooks: Object.fromEntries(events.map((event) => [event.type, { post: receivedEvent(event) }])),
    components: { schemas: collector.schemas },
  }
}

function operation(route: Route, collector: SchemaCollector): Json {
  const { operationId, summary, tag, role, status, output } = route
  return {
    operationId,
    summary,
    description: `Takes the role \`${role}\`.`,
    tags: [tag],
    parameters: [
      ...parameters(collector.add(route.params, 'input'), 'path'),
      ...parameters(collector.add(route.query, 'input'), 'query'),
      ...headerParameters(route),
    ],
    ...(route.body === null
      ? {}
      : {
          requestBody: {
            required: !route.bodyOptional,
            content: { 'application/json': { schema: collector.add(route.body, 'input') } },
          },
        }),
    responses: {
      [status]: {
        description: summary,
        ...(output === null
          ? {}
          : { content: { 'application/json': { schema: collector.add(output, 'output') } } }),
      },
      default: {
        description: 'What went wrong.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function parameters(schema: Json, place: 'path' | 'query'): Json[] {
  const required = (schema.required ?? []) as string[]
  return Object.entries((schema.properties ?? {}) as { [name: string]: Json }).map(([name, value]) => {
    const { description, ...rest } = value
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      ...(rest.type === 'object' ? { style: 'deepObject', explode: true } : {}),
      schema: rest,
    }
  })
}

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
})

function headerParameters({ method, revisioned }: Route): Json[] {
  return [
    ...(method === 'GET' ? [] : [header('Idempotency-Key', 'The same write sent twice happens once.')]),
    ...(revisioned ? [header('If-Match', 'The `ETag` that was read: change it only as it was.')] : []),
  ]
}

function receivedEvent({ type, body, example }: { type: string; body: Json; example: unknown }): Json {
  return {
    summary: type,
    tags: ['Received events'],
    parameters: [
      header('webhook-id', 'The same on every attempt: drop what you have seen.'),
      header('webhook-timestamp', 'When this attempt was signed, in seconds since 1970.'),
      header('webhook-signature', 'Verify it before you believe anything else.'),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: body, example } } },
    responses: {
      '2XX': { description: 'Received. Anything else is tried again.' },
      '410': { description: 'Send no more.' },
    },
  }
}
