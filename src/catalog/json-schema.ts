/**
 * The JSON Schema (2020-12) of what a Standard Schema takes in, as it looks on the wire. Asks the schema's own
 * converter (`~standard.jsonSchema`), then zod.
 */
import { toJSONSchema } from 'zod/v4'
import type { JsonObject } from '../model.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'

/** `~standard.jsonSchema` of the Standard JSON Schema spec, as far as it is used. */
interface Converter {
  input(options: { target: string; libraryOptions?: Record<string, unknown> }): Record<string, unknown>
}

const ZOD_OPTIONS = {
  unrepresentable: 'any' as const,
  override(context: { zodSchema: unknown; jsonSchema: Record<string, unknown> }) {
    const { _zod } = context.zodSchema as { _zod?: { def?: { type?: string } } }
    if (_zod?.def?.type === 'date') Object.assign(context.jsonSchema, DATE)
  },
}
/** JSON.stringify writes a Date in this form. */
const DATE = { type: 'string', format: 'date-time' }

const ARK_OPTIONS = {
  fallback: {
    date: (context: { base: object }) => ({ ...context.base, ...DATE }),
    default: (context: { base: object }) => context.base,
  },
}

const OPTIONS_OF: Readonly<Record<string, Record<string, unknown>>> = {
  zod: ZOD_OPTIONS,
  arktype: ARK_OPTIONS,
}

/**
 * The JSON Schema, or the schema that allows everything (`{}`) for vendors that cannot convert (valibot without
 * its converter package). What JSON Schema cannot say is left open; throws what the converter throws.
 */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonObject {
  const standard = schema['~standard'] as StandardSchemaV1['~standard'] & { jsonSchema?: Converter }
  const libraryOptions = OPTIONS_OF[standard.vendor]
  if (typeof standard.jsonSchema?.input === 'function') {
    const target = 'draft-2020-12'
    const options = libraryOptions === undefined ? { target } : { target, libraryOptions }
    return standard.jsonSchema.input(options) as JsonObject
  }
  // zod before 4.2 has no converter of its own.
  if ('_zod' in schema) {
    const convert = toJSONSchema as unknown as (schema: unknown, options: object) => JsonObject
    return convert(schema, { io: 'input', target: 'draft-2020-12', ...ZOD_OPTIONS })
  }
  return {}
}
