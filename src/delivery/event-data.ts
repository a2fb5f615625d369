/**
 * The data of a stored event, for filters and shapes. Only the body is stored, so publish notes where in it the data
 * stands: at `data` (nothing to note), at another key, or as the whole of it. An envelope that rebuilds its data makes
 * publish keep a copy beside the body.
 */
import type { JsonObject } from '../model.ts'
import type { EventRecord } from '../records.ts'

/** What `settings` of an event must say so that `dataOf` finds the data in the body that this envelope made. */
export function noteData(wrapped: unknown, data: unknown, maxBytes: number): JsonObject {
  if (Object.is(wrapped, data)) return { dataAt: [] }
  const key = isPlain(wrapped)
    ? Object.keys(wrapped).find((name) => Object.is(wrapped[name], data))
    : undefined
  if (key !== undefined) return key === 'data' ? {} : { dataAt: [key] }
  const copy = data === undefined ? undefined : textOf(data)
  return copy === undefined || copy.length > maxBytes ? { dataAt: null } : { dataCopy: copy }
}

/** The data, parsed anew with each call so that nobody shares it; undefined where the event has none (any more). */
export function dataOf(event: Pick<EventRecord, 'body' | 'settings'>): unknown {
  const { dataAt = ['data'], dataCopy } = event.settings
  if (event.body === null || dataAt === null) return undefined
  if (typeof dataCopy === 'string') return JSON.parse(dataCopy)
  const [key] = Array.isArray(dataAt) ? dataAt : []
  const body: unknown = JSON.parse(event.body)
  if (key === undefined) return body
  return isPlain(body) && Object.hasOwn(body, String(key)) ? body[String(key)] : undefined
}

/** A `toJSON` would show other keys than the object has. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('toJSON' in value)
}

function textOf(data: unknown): string | undefined {
  try {
    return JSON.stringify(data)
  } catch {
    return undefined
  }
}
