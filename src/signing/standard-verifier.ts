/**
 * The receivers' half of Standard Webhooks v1: what `verify` does by default. Holds nothing else, as every receiver
 * bundles it.
 */

import { headerValue } from './header-value.js'
import { hmacMatch } from './hmac-match.js'
import type { Verifier } from './scheme.js'
import { base64Key } from './secret-key.js'

/**
 * Verifies HMAC-SHA256 of `id.timestamp.body`, under header names that start with `prefix`.
 *
 * A full stop in the id is refused: with it, an old signature could be cut anew to cover a fresh timestamp. Header
 * lines that were joined arrive as `v1,A, v1,B`, so the list is split on spaces, and before the name of a version.
 */
export const standardVerifier = (prefix: string): Verifier => ({
  key: (secret) => base64Key(secret, /^whsec_/),
  read(header) {
    const id = headerValue(header, `${prefix}-id`, /[.,]/)
    const timestamp = headerValue(header, `${prefix}-timestamp`, /,/)
    return {
      id,
      timestamp,
      signed: `${id}.${timestamp}.`,
      signatures: headerValue(header, `${prefix}-signature`).split(/,? +|,(?=v\w+,)|,$/),
    }
  },
  match: (key, received, body) => hmacMatch(key, received, body, (digest) => `v1,${digest}`),
})
