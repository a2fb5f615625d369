/**
 * The catalogue of event types: names and the schema of each one's payload, from which names, payloads and
 * patterns are inferred. It checks what is published and never changes it.
 */
import { exampleOf } from './catalog/example.ts'
import { issuesOf } from './catalog/issues.ts'
import { jsonSchemaOf } from './catalog/json-schema.ts'
import {
  type InferInput,
  isStandardSchema,
  type StandardResult,
  type StandardSchemaV1,
} from './catalog/standard-schema.ts'
import { PosthornError } from './errors.ts'
import { didYouMean } from './input/closest.ts'
import { isThenable } from './input/thenable.ts'
import type { JsonObject, JsonValue } from './model.ts'
import { EVENT_NAME, isPattern, matchesPattern } from './patterns.ts'

export type { InferInput, InferOutput, StandardSchemaV1 } from './catalog/standard-schema.ts'

/** Event names and the schema of each one's payload. */
export type EventMap = { readonly [name: string]: StandardSchemaV1 }

/** Payload that has passed its schema: what the caller gave, untouched. */
export interface Parsed {
  readonly value: unknown
}

/** The event types that an application publishes. Without type argument: any catalogue. */
export interface Catalog<Map extends EventMap = EventMap> {
  /** The schemas as given. */
  readonly schemas: Map
  /** The names, in the order of their definition. */
  readonly types: readonly string[]
  has(type: string): boolean
  /** True when it is a valid pattern and matches at least one known name. */
  matchesAny(pattern: string): boolean
  /**
   * Checks a payload; a promise only where its schema is asynchronous. Gives back the original data: defaults
   * and transforms of a schema describe what a reader makes of it, not what is sent.
   *
   * @throws PosthornError UNKNOWN_EVENT_TYPE, or INVALID_PAYLOAD with `issues` (paths and messages, no values).
   */
  parse(type: string, data: unknown): Parsed | Promise<Parsed>
  /**
   * The JSON Schema (2020-12) of each event's payload as it stands in the body; `{}` where a schema library
   * cannot convert.
   *
   * @throws PosthornError INVALID_OPTION when a schema's converter refuses.
   */
  jsonSchema(): { readonly [name: string]: JsonObject }
  /**
   * A payload to show or to test with: the first of the schema's `examples`, else made from its JSON Schema.
   *
   * @throws PosthornError UNKNOWN_EVENT_TYPE; INVALID_OPTION as `jsonSchema` does.
   */
  example(type: string): JsonValue
}

/** The event names of a catalogue; any string without one. */
export type EventName<C extends Catalog | null> = C extends Catalog<infer Map> ? keyof Map & string : string

/** What `publish` takes for an event of this name; anything without a catalogue. */
export type EventPayload<C extends Catalog | null, Name extends string> =
  C extends Catalog<infer Map> ? (Name extends keyof Map ? InferInput<Map[Name]> : never) : unknown

/** `*`, every name, and `prefix.*` for every dotted prefix of a name; any string without a catalogue. */
export type EventPattern<C extends Catalog | null> =
  C extends Catalog<infer Map> ? '*' | (keyof Map & string) | PrefixPattern<keyof Map & string> : string

type PrefixPattern<Name extends string> = Exclude<Prefixes<Name>, '.*'>
type Prefixes<Name extends string> = Name extends `${infer Head}.${infer Rest}`
  ? `${Head}.*` | `${Head}.${Prefixes<Rest>}`
  : never

/**
 * Defines the event types of an application.
 *
 * @throws PosthornError INVALID_OPTION for a name outside `[A-Za-z0-9_.:-]{1,128}` or a value that is no schema.
 * @example
 * const events = defineEvents({
 *   'order.paid': z.object({ orderId: z.string(), total: z.number() }),
 *   'order.item.added': z.object({ sku: z.string() }),
 * })
 */
export function defineEvents<const Map extends EventMap>(map: Map): Catalog<Map> {
  const known = new globalThis.Map(Object.entries(map))
  for (const [name, schema] of known) checkEntry(name, schema)
  const types = Object.freeze([...known.keys()])

  const schemaOf = (type: string): StandardSchemaV1 => {
    const schema = known.get(type)
    if (schema === undefined) throw unknownEvent(type, types)
    return schema
  }

  return {
    schemas: map,
    types,
    has: (type) => known.has(type),
    matchesAny: (pattern) => isPattern(pattern) && types.some((type) => matchesPattern(pattern, type)),
    parse: (type, data) => check(type, schemaOf(type), data),
    jsonSchema: () =>
      Object.fromEntries(Array.from(known, ([name, schema]) => [name, convert(name, schema)])),
    example: (type) => exampleOf(convert(type, schemaOf(type))),
  }
}

/** The error for a name that the catalogue does not hold, with the nearest one that it does. */
export function unknownEvent(type: string, types: readonly string[]): PosthornError {
  const shown = String(type).slice(0, 140)
  const hint = didYouMean(shown, types) || ' Add it to defineEvents({ … }) or correct the name.'
  return new PosthornError('UNKNOWN_EVENT_TYPE', `Unknown event type "${shown}".${hint}`, { path: 'type' })
}

function checkEntry(name: string, schema: unknown): void {
  const shown = name.slice(0, 140)
  if (!EVENT_NAME.test(name)) {
    const rule = 'Use 1 to 128 of letters, digits, "_", ".", ":" and "-".'
    throw invalid(`events["${shown}"]`, `"${shown}" is not an event name. ${rule}`)
  }
  if (!isStandardSchema(schema)) {
    const fix = 'Give a Standard Schema (v1), for example z.object({ … }) of zod 4, valibot or arktype.'
    throw invalid(`events["${shown}"]`, `The event "${shown}" has no schema. ${fix}`)
  }
}

function check(type: string, schema: StandardSchemaV1, data: unknown): Parsed | Promise<Parsed> {
  const { validate, vendor } = schema['~standard']
  const conclude = (result: StandardResult<unknown>): Parsed => {
    if (!result.issues) return { value: data }
    const issues = issuesOf(result.issues, data, vendor)
    const listed = issues.slice(0, 3).map(({ path, message }) => (path ? `${path}: ${message}` : message))
    const more = issues.length > 3 ? ` (and ${issues.length - 3} more)` : ''
    const message = `The payload of "${type}" does not fit its schema. ${listed.join('; ')}${more}`
    throw new PosthornError('INVALID_PAYLOAD', message, { path: 'data', issues })
  }
  const threw = (cause: unknown): never => {
    const message = `The schema of "${type}" threw while it checked a payload. See the cause; a schema should return issues.`
    throw new PosthornError('INVALID_PAYLOAD', message, { path: 'data', cause })
  }
  let result: ReturnType<typeof validate>
  try {
    result = validate.call(schema['~standard'], data)
  } catch (cause) {
    return threw(cause)
  }
  return isThenable(result) ? Promise.resolve(result).then(conclude, threw) : conclude(result)
}

function convert(name: string, schema: StandardSchemaV1): JsonObject {
  try {
    return jsonSchemaOf(schema)
  } catch (cause) {
    const message = `The schema of event "${name}" cannot be written as JSON Schema. See the cause for the part that cannot.`
    throw new PosthornError('INVALID_OPTION', message, { path: `events["${name}"]`, cause })
  }
}

function invalid(path: string, message: string): PosthornError {
  return new PosthornError('INVALID_OPTION', message, { path })
}
