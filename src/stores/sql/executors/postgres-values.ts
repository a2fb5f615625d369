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

function arrayLiteral(values: readonly (string | number | null)[]): string {
  const items = values.map((value) =>
    typeof value === 'string'
      ? `"${value.replace(/["\\]/g, '\\$&')}"`
      : value === null
        ? 'NULL'
        : String(value),
  )
  return `{${items.join(',')}}`
}
