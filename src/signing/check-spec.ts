/** The checks that specs of all schemes share. Each error names the field and what is allowed. */

import { SigningError } from './signing-error.js'

/** A `scheme-invalid` error. */
export const invalid = (message: string): SigningError => new SigningError('scheme-invalid', message)

/** Refuses fields that this version does not know: ignoring one could sign differently from what was meant. */
export function checkKnownKeys(spec: object, known: readonly string[]): void {
  for (const key of Object.keys(spec))
    if (!known.includes(key))
      throw invalid(`unknown field "${key.slice(0, 64)}" (known: ${known.join(', ')})`)
}

/** Names that belong to the HTTP message itself and must never carry a signature. */
const reserved = ['host', 'content-length', 'content-type', 'connection', 'transfer-encoding', 'user-agent']

/** A lower-case header name that is free to use. */
export function checkHeaderName(field: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || !/^[a-z\d][a-z\d!#$%&'*+.^_`|~-]{0,99}$/.test(name))
    throw invalid(`${field} must be a header name of at most 100 characters`)
  if (reserved.includes(name)) throw invalid(`${field} must not be "${name}"`)
}

/** The start of Standard Webhooks header names. */
export function checkHeaderPrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string' || !/^[a-z\d]+(-[a-z\d]+)*$/.test(prefix) || prefix.length > 64)
    throw invalid('prefix must be lower-case words joined by "-", for example "webhook"')
}
