/**
 * An example value for a JSON Schema: the author's own `examples` where there are some, else the plainest value
 * that fits types, formats and bounds. It solves a `pattern` only where a common text happens to fit, and no `not` or `if`.
 */
import type { JsonObject, JsonValue } from '../model.ts'

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-15T09:30:00.000Z',
  date: '2026-01-15',
  time: '09:30:00',
  duration: 'PT5M',
  email: 'user@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '0190a4e2-7c3b-7d4e-8f50-123456789abc',
  guid: '0190a4e2-7c3b-7d4e-8f50-123456789abc',
}
/** Deeper than this, optional parts are left out, so that recursive schemas end. */
const MAX_DEPTH = 6

/** A fresh example for `root`. An open schema (`{}`) gives an empty object. */
export function exampleOf(root: JsonObject): JsonValue {
  return Object.keys(root).some((key) => key !== '$schema') ? build(root, root, 0) : {}
}

function build(schema: JsonValue | undefined, root: JsonObject, depth: number): JsonValue {
  if (!isObject(schema) || depth > 4 * MAX_DEPTH) return null
  for (const given of [first(schema.examples), schema.example, schema.default, schema.const]) {
    if (given !== undefined) return structuredClone(given)
  }
  const listed = first(schema.enum)
  if (listed !== undefined) return listed
  if (typeof schema.$ref === 'string') return build(resolve(schema.$ref, root), root, depth + 1)
  if (Array.isArray(schema.allOf)) return merge(schema, schema.allOf, root, depth)
  const options = schema.anyOf ?? schema.oneOf
  if (Array.isArray(options)) return build(pick(options, depth), root, depth + 1)
  return byType(schema, root, depth)
}

function byType(schema: JsonObject, root: JsonObject, depth: number): JsonValue {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  const type = types.find((each) => each !== 'null') ?? types[0]
  if (type === 'object' || isObject(schema.properties)) return object(schema, root, depth)
  if (type === 'array') return array(schema, root, depth)
  if (type === 'string') return text(schema)
  if (type === 'integer' || type === 'number') return number(schema, type === 'integer')
  return type === 'boolean' ? true : null
}

function object(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const required: readonly JsonValue[] = Array.isArray(schema.required) ? schema.required : []
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : []
  const shown = properties.filter(([key]) => depth < MAX_DEPTH || required.includes(key))
  return Object.fromEntries(shown.map(([key, value]) => [key, build(value, root, depth + 1)]))
}

function array(schema: JsonObject, root: JsonObject, depth: number): JsonValue[] {
  const head: readonly JsonValue[] = Array.isArray(schema.prefixItems) ? schema.prefixItems : []
  const least = count(schema.minItems) ?? 0
  const most = count(schema.maxItems) ?? Number.POSITIVE_INFINITY
  const wanted = isObject(schema.items) && depth < MAX_DEPTH ? 1 : 0
  const rest = Math.max(0, Math.min(Math.max(least, head.length + wanted), most) - head.length)
  const items = Array.from({ length: Math.min(rest, 100) }, () => build(schema.items, root, depth + 1))
  return [...head.map((item) => build(item, root, depth + 1)), ...items]
}

function text(schema: JsonObject): string {
  const known = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined
  if (known !== undefined) return known
  const fitting = typeof schema.pattern === 'string' ? commonText(schema.pattern) : undefined
  if (fitting !== undefined) return fitting
  const least = Math.min(count(schema.minLength) ?? 0, 10_000)
  return 'text'.padEnd(least, 'x').slice(0, count(schema.maxLength))
}

/** zod writes some formats (ISO times) as a pattern only. */
function commonText(pattern: string): string | undefined {
  try {
    const fits = new RegExp(pattern, 'u')
    return ['text', 'TEXT', '123', ...Object.values(FORMATS)].find((text) => fits.test(text))
  } catch {
    return undefined
  }
}

function number(schema: JsonObject, whole: boolean): number {
  const step = count(schema.multipleOf) ?? (whole ? 1 : 0)
  const nudge = step || 0.5
  const over = count(schema.exclusiveMinimum)
  const under = count(schema.exclusiveMaximum)
  const low = Math.max(count(schema.minimum) ?? -Infinity, over === undefined ? -Infinity : over + nudge)
  const high = Math.min(count(schema.maximum) ?? Infinity, under === undefined ? Infinity : under - nudge)
  // An open interval narrower than the nudge: its middle.
  if (low > high && over !== undefined && under !== undefined) return (over + under) / 2
  const wanted = Math.min(Math.max(1, low), high)
  if (step === 0) return wanted
  const up = Math.ceil(wanted / step) * step
  return up <= high ? up : Math.floor(high / step) * step
}

function merge(schema: JsonObject, parts: readonly JsonValue[], root: JsonObject, depth: number): JsonValue {
  const { allOf: _, ...own } = schema
  const values = [...parts, own].map((part) => build(part, root, depth + 1))
  const objects = values.filter(isObject)
  if (objects.length > 0) return Object.assign({}, ...objects)
  return values.find((value) => value !== null) ?? null
}

/** The first choice that is not null; at depth a null, if there is one, so that recursion ends. */
function pick(options: readonly JsonValue[], depth: number): JsonValue | undefined {
  const isNull = (option: JsonValue) => isObject(option) && option.type === 'null'
  const ending = depth >= MAX_DEPTH ? options.find(isNull) : undefined
  return ending ?? options.find((option) => !isNull(option)) ?? options[0]
}

function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  let value: JsonValue | undefined = root
  for (const step of reference.split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    value = isObject(value) ? value[key] : undefined
  }
  return value
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function first(value: JsonValue | undefined): JsonValue | undefined {
  return Array.isArray(value) ? value[0] : undefined
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
