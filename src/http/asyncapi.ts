/** The AsyncAPI 3 document of the events that receivers get: one channel, one message for each type of the catalogue. */
import type { Catalog } from '../index.ts'
import type { DocumentOptions } from './openapi.ts'
import { collectSchemas, documentedEvents, type Json } from './schema-document.ts'

/** Builds the document of this catalogue. */
export function asyncApiDocument(
  catalog: Catalog | null,
  { title = 'Webhooks', version = '1.0.0', bodySchema }: DocumentOptions = {},
): Json {
  const collector = collectSchemas()
  const events = documentedEvents(catalog, collector, bodySchema)
  const key = (type: string) => type.replace(/[^A-Za-z0-9._-]/g, '_')
  return {
    asyncapi: '3.0.0',
    info: { title, version },
    defaultContentType: 'application/json',
    channels: {
      webhooks: {
        description: 'The URL of a subscription.',
        messages: Object.fromEntries(
          events.map(({ type }) => [key(type), { $ref: `#/components/messages/${key(type)}` }]),
        ),
      },
    },
    operations: { deliver: { action: 'send', channel: { $ref: '#/channels/webhooks' } } },
    components: {
      messages: Object.fromEntries(
        events.map(({ type, body, example }) => [
          key(type),
          { name: type, title: type, payload: body, examples: [{ name: key(type), payload: example }] },
        ]),
      ),
      schemas: collector.schemas,
    },
  }
}
