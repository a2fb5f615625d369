/**
 * JSON columns as they are read. What stands there was checked when it was stored, but somebody may have written past the
 * door, and one bad row must not stop its neighbours: it is read as empty, and says which column is broken.
 */
import type { JsonObject } from '../../model.ts'
import type { SecretRecord } from '../../records.ts'
import { text } from './rows.ts'

/** What the column holds, the empty one where it is null; null where it holds something else. */
function held<Value>(column: unknown, empty: Value, fits: (found: unknown) => boolean): Value | null {
  if (column === null || column === undefined) return empty
  try {
    const found: unknown = JSON.parse(text(column))
    return fits(found) ? (found as Value) : null
  } catch {
    return null
  }
}

type Texts = Readonly<Record<string, string>>

/** An object. */
export const objectIn = (column: unknown): JsonObject | null => held<JsonObject>(column, {}, isObject)
/** An object of texts. */
export const textsIn = (column: unknown): Texts | null => held<Texts>(column, {}, isTexts)
/** A list of texts. */
export const textListIn = (column: unknown): readonly string[] | null =>
  held<readonly string[]>(column, [], (found) => Array.isArray(found) && found.every(isText))
/** Secrets as they are kept. */
export const secretsIn = (column: unknown): readonly SecretRecord[] | null =>
  held<readonly SecretRecord[]>(column, [], (found) => Array.isArray(found) && found.every(isSecret))

/** The name of the first column that could not be read, as a record says it. */
export function withBroken<Row extends object>(row: Row, columns: Readonly<Record<string, unknown>>): Row {
  for (const name in columns) if (columns[name] === null) return { ...row, broken: name }
  return row
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText)

function isSecret(value: unknown): boolean {
  if (!isObject(value)) return false
  const { value: secret, createdAt, expiresAt } = value as Partial<Record<keyof SecretRecord, unknown>>
  return (
    isText(secret) && Number.isFinite(createdAt) && (expiresAt === null || Number.isFinite(expiresAt ?? '-'))
  )
}
