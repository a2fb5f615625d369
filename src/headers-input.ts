/** Checks custom headers: what HTTP allows, minus what frames the request and what the signature schemes write. */
import { PosthornError } from './errors.ts'
import { recordOf } from './known-keys.ts'
import { ownedHeaders } from './signing/header-roles.ts'
import type { Scheme } from './signing/scheme.ts'

const OURS = new Set([
  ...['host', 'content-length', 'content-type', 'accept-encoding', 'connection', 'keep-alive'],
  ...['transfer-encoding', 'te', 'trailer', 'upgrade', 'expect'],
])

const refuse = (path: string, message: string) =>
  new PosthornError('INVALID_HEADERS', `${path} ${message}`, { path })

/**
 * The headers with names in lower case; at most 50, names up to 128 characters, values up to 4096 of printable
 * Latin-1. Values never appear in messages.
 *
 * @param schemes The schemes in force: their headers cannot be set.
 * @throws PosthornError INVALID_HEADERS
 */
export function headersOf(
  value: unknown,
  schemes: readonly Scheme[],
  path = 'headers',
): Record<string, string> {
  const entries = Object.entries(recordOf(value, null, path))
  if (entries.length > 50) throw refuse(path, `has ${entries.length} headers; at most 50 are allowed`)
  const headers = new Map<string, string>()
  for (const [given, text] of entries) {
    const name = given.toLowerCase()
    const at = `${path}["${given.slice(0, 128)}"]`
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(name))
      throw refuse(at, 'is no header name: 1 to 128 letters, digits and hyphens')
    if (headers.has(name)) throw refuse(at, 'is set twice, in different case')
    if (OURS.has(name) || name.startsWith('proxy-')) throw refuse(at, 'is set by Posthorn: leave it out')
    if (typeof text !== 'string') throw refuse(at, 'must be a string')
    if (text.length > 4096) throw refuse(at, `must have at most 4096 characters, not ${text.length}`)
    if (!/^[ -~\u00a0-\u00ff]*$/.test(text))
      throw refuse(at, 'must be printable Latin-1: no line breaks or control characters')
    headers.set(name, text)
  }
  refuseOwned([...headers.keys()], schemes, path)
  return Object.fromEntries(headers)
}

/**
 * Refuses header names that a scheme writes itself.
 *
 * @throws PosthornError INVALID_HEADERS
 */
export function refuseOwned(names: readonly string[], schemes: readonly Scheme[], path = 'headers'): void {
  const owned = new Set(schemes.flatMap(ownedHeaders))
  const clash = names.find((name) => owned.has(name))
  if (clash !== undefined)
    throw refuse(`${path}["${clash}"]`, 'belongs to the signature scheme: rename it or change `signing`')
}
