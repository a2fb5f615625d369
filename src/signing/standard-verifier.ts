/**
 * The receivers' half of Standard Webhooks v1: what `verify` does by default. Holds nothing else, as every receiver
 * bundles it.
 */

import { headerValue } from './header-value.js'
import { type HmacKey, hmacKeys } from './hmac-key.js'
import { hmacMatch } from './hmac-match.js'
import type { Verifier } from './scheme.js'
import { base64Key } from './secret-key.js'

/**
 * Verifies HMAC-SHA256 of `id.timestamp.body`, under header names that start with `prefix`.
 *
 * A full stop in the id is refused: with it, an old signature could be cut anew to cover a fresh timestamp. Header
 * lines that were joined arrive as `v1,A, v1,B`, so the list is split on spaces, and before the name of a version.
 */
export function standardVerifier(prefix: string): Verifier<HmacKey> {
  // Once, and not per request: comparing with a text that was just put together is slow.
  const idHeader = `${prefix}-id`
  const timestampHeader = `${prefix}-timestamp`
  const signatureHeader = `${prefix}-signature`
  return {
    key: hmacKeys((secret) => base64Key(secret, 'whsec_')),
    read(header) {
      const id = headerValue(header, idHeader, /[.,]/)
      const timestamp = headerValue(header, timestampHeader, /,/)
      return {
        id,
        timestamp,
        signed: `${id}.${timestamp}.`,
        signatures: headerValue(header, signatureHeader).split(/,? +|,(?=v\w+,)|,$/),
      }
    },
    match: hmacMatch,
  }
}
