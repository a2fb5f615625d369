/** Parameters and rows that every Postgres driver understands alike. */
import type { Parameter } from '../executor.ts'

/**
 * Arrays travel as Postgres array literals (`{"a",NULL}`), which every driver passes on as text: drivers disagree on
 * JavaScript arrays (postgres.js needs to have read the server's types, ORMs spread them). The SQL casts: `$1::text[]`.
 */
export function postgresParameters(parameters: readonly Parameter[]): (string | number | null)[] {
  return parameters.map((value) => (isScalar(value) ? value : arrayLiteral(value)))
}

const isScalar = (value: Parameter): value is string | number | null =>
  value === null || typeof value !== 'object'

/** Rows of a set share most of their values with the row before: what repeats is written as it was. */
function arrayLiteral(values: readonly (string | number | null)[]): string {
  const items = new Array<string>(values.length)
  let last: string | number | null | undefined
  let item = ''
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? null
    if (value !== last) {
      last = value
      item = value === null ? 'NULL' : typeof value === 'string' ? quoted(value) : String(value)
    }
    items[at] = item
  }
  return `{${items.join(',')}}`
}

function quoted(value: string): string {
  return value.includes('"') || value.includes('\\') ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
}
