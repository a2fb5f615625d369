/** Checks custom headers at the door, and again when a row is read: the rules of the guard, and the schemes in force. */
import { PosthornError } from '../errors.ts'
import { checkHeaders, type HeadersLike } from '../guard/check-headers.ts'
import { readAs } from '../guard/header-rules.ts'
import { ownedHeaders } from '../signing/header-roles.ts'
import type { Scheme } from '../signing/scheme.ts'

const refuse = (path: string, message: string) =>
  new PosthornError('INVALID_HEADERS', `${path} ${message}`, { path })

/**
 * The headers with names in lower case. Values never appear in messages.
 *
 * @param schemes The schemes in force: their headers cannot be set.
 * @throws PosthornError INVALID_HEADERS
 */
export function headersOf(
  value: unknown,
  schemes: readonly Scheme[],
  path = 'headers',
): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, 'must be an object of names and values')
  const { allowed, reason, headers } = checkHeaders(value as HeadersLike)
  if (!allowed) {
    const [name] = /^\["(?:[^"\\]|\\.)*"\]/.exec(reason ?? '') ?? ['']
    throw refuse(`${path}${name}`, (reason ?? '').slice(name.length).trimStart())
  }
  refuseOwned(Object.keys(headers), schemes, path)
  return headers
}

/**
 * Refuses header names that a scheme writes itself, also where only a receiver takes them for those: `_` for `-`.
 *
 * @throws PosthornError INVALID_HEADERS
 */
export function refuseOwned(names: readonly string[], schemes: readonly Scheme[], path = 'headers'): void {
  const owned = new Set(schemes.flatMap(ownedHeaders).map(readAs))
  const clash = names.find((name) => owned.has(readAs(name)))
  if (clash !== undefined)
    throw refuse(`${path}["${clash}"]`, 'belongs to the signature scheme: rename it or change `signing`')
}
