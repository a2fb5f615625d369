/**
 * The default scheme: Standard Webhooks v1, HMAC-SHA256 of `id.timestamp.body`. Receivers import this file with
 * `verify`, so it holds no signing code.
 * Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */

import { encodeBase64 } from './base64.js'
import { hmacSha256 } from './hmac-sha256.js'
import { sameText } from './same-text.js'
import type { Scheme } from './scheme.js'
import { base64Key } from './secret-key.js'
import { readStandardHeaders } from './standard-headers.js'

/** Options of the schemes with Standard Webhooks headers. */
export interface StandardWebhooksOptions {
  /**
   * What the header names start with: `<prefix>-id`, `-timestamp`, `-signature`. Receivers with another prefix
   * also accept the `webhook-*` names. Lower case.
   *
   * @default 'webhook'
   */
  readonly prefix?: string
}

/**
 * Standard Webhooks v1. Secrets are `whsec_` + base64 (the prefix may be missing); all live secrets sign, newest
 * first, in one header.
 */
export function standardWebhooks({ prefix = 'webhook' }: StandardWebhooksOptions = {}): Scheme {
  return {
    spec: { scheme: 'standard-webhooks', prefix },
    verifier: {
      key: (secret) => base64Key(secret, 'whsec_'),
      read: (header) => readStandardHeaders(header, prefix),
      async match(key, { signed, signatures }, body) {
        const expected = `v1,${await hmacSha256(key, signed, body, 'base64', encodeBase64)}`
        return signatures.some((signature) => sameText(signature, expected))
      },
    },
  }
}

/** Standard Webhooks v1 under the names `svix-id`, `svix-timestamp`, `svix-signature`. */
export const svix = (): Scheme => standardWebhooks({ prefix: 'svix' })
