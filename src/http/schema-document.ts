/**
 * JSON Schemas for documents: from the schemas that validate, with everything that has a name moved to one place
 * (`components/schemas`) and every reference pointing there.
 */
import { z } from 'zod/v4'
import type { Catalog } from '../index.ts'
import { names } from './schemas/named.ts'

/** A JSON Schema, or a part of a document. */
export type Json = { [key: string]: unknown }

/** Collects schemas while a document is built. */
export interface SchemaCollector {
  /** The schema of what comes in (`input`) or goes out (`output`), with references to `schemas`. */
  add(schema: z.ZodType, io: 'input' | 'output'): Json
  /** A JSON Schema of the host's under a name; gives back a reference to it. */
  addForeign(name: string, schema: Json): Json
  /** What `components/schemas` holds. */
  readonly schemas: Json
}

const PLACE = '#/components/schemas/'

/** An empty collection. */
export function collectSchemas(): SchemaCollector {
  const schemas: Json = {}
  return {
    schemas,
    add(schema, io) {
      const { $defs, $schema: _, ...rest } = convert(schema, io)
      for (const [name, definition] of Object.entries(($defs ?? {}) as Json))
        schemas[name] = redirected(definition, PLACE)
      return redirected(rest, PLACE) as Json
    },
    addForeign(name, schema) {
      const { $schema: _, $id: __, ...rest } = schema
      const free = freeName(name, schemas)
      schemas[free] = redirected(rest, `${PLACE}${free}/$defs/`, `${PLACE}${free}`)
      return { $ref: `${PLACE}${free}` }
    },
  }
}

function convert(schema: z.ZodType, io: 'input' | 'output'): Json {
  return z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    metadata: names,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'date')
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
      // 300 characters that say again what the format says.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      delete jsonSchema.readOnly
      // What goes out may grow; generated clients must not refuse a new field.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  }) as Json
}

/** The same with every local reference pointing to where its target is now. */
function redirected(value: unknown, definitions: string, self = '#'): unknown {
  if (Array.isArray(value)) return value.map((item) => redirected(item, definitions, self))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === '$ref' && typeof item === 'string'
        ? target(item, definitions, self)
        : redirected(item, definitions, self),
    ]),
  )
}

function target(reference: string, definitions: string, self: string): string {
  if (reference.startsWith(PLACE)) return reference
  if (reference === '#') return self
  if (reference.startsWith('#/$defs/')) return `${definitions}${reference.slice('#/$defs/'.length)}`
  return reference.startsWith('#/') && self !== '#' ? `${self}${reference.slice(1)}` : reference
}

/** Component names take letters, digits, `.`, `_` and `-`; two that become the same get a number. */
function freeName(name: string, taken: Json): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_')
  for (let number = 1; ; number++) {
    const free = number === 1 ? plain : `${plain}_${number}`
    if (!Object.hasOwn(taken, free)) return free
  }
}

/** One event type of the catalogue, ready for a document. */
export interface DocumentedEvent {
  readonly type: string
  /** Reference to the schema of the whole body. */
  readonly body: Json
  readonly example: unknown
}

/** The events of the catalogue, as their receivers get them: in the default envelope, or in the host's own. */
export function documentedEvents(
  catalog: Catalog | null,
  collector: SchemaCollector,
  bodySchema: (type: string, data: Json) => Json = standardBody,
): readonly DocumentedEvent[] {
  if (catalog === null) return []
  const schemas = catalog.jsonSchema()
  return catalog.types.map((type) => {
    const data = collector.addForeign(`${type}.data`, { ...schemas[type] })
    return {
      type,
      body: collector.addForeign(`${type}.body`, bodySchema(type, data)),
      example: { type, timestamp: '2026-01-15T09:30:00.000Z', data: catalog.example(type) },
    }
  })
}

function standardBody(type: string, data: Json): Json {
  return {
    type: 'object',
    properties: {
      type: { type: 'string', const: type },
      timestamp: { type: 'string', format: 'date-time', description: 'When it happened.' },
      data,
    },
    required: ['type', 'timestamp', 'data'],
  }
}
