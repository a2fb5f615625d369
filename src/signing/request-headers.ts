/** Reads the headers of a received request, whatever holds them, without guessing when they are ambiguous. */

import type { HeaderReader } from './scheme.js'
import { VerificationError } from './verification-error.js'

/** Fetch `Headers` of any realm, Node's `IncomingHttpHeaders`, or a plain record with names in any case. */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** A reader over any kind of headers. `Headers` are known by `get`, as `instanceof` fails across realms. */
export function headerReader(headers: HeadersLike): HeaderReader {
  return (name) => {
    if (typeof headers.get === 'function') return headers.get(name)
    let found: unknown[] = []
    for (const [key, value] of Object.entries(headers))
      if (key.length === name.length && key.toLowerCase() === name) found = found.concat(value)
    return found.join(', ')
  }
}

/** The header's value. @throws VerificationError `HEADER_MISSING` */
export function presentValue(header: HeaderReader, name: string): string {
  const value = header(name)
  if (!value) throw new VerificationError('HEADER_MISSING', name)
  return value
}

/** The header's only value. @throws VerificationError `HEADER_MISSING`, or `HEADER_REPEATED` when lines were joined. */
export function singleValue(header: HeaderReader, name: string): string {
  const value = presentValue(header, name)
  if (value.includes(',')) throw new VerificationError('HEADER_REPEATED', name)
  return value
}
