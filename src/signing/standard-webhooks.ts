/**
 * `standardWebhooks()`, the default scheme: Standard Webhooks v1, HMAC-SHA256 of `id.timestamp.body`.
 * Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */

import { checkKnownKeys } from './check-spec.js'
import type { Scheme } from './scheme.js'
import { standardVerifier } from './standard-verifier.js'

/** Options of the schemes with Standard Webhooks headers. */
export interface StandardWebhooksOptions {
  /**
   * What the header names start with: `<prefix>-id`, `-timestamp`, `-signature`. Lower case.
   *
   * @default 'webhook'
   */
  readonly prefix?: string
}

/**
 * Standard Webhooks v1. Secrets are `whsec_` + base64 (the prefix may be missing); all live secrets sign, newest
 * first, in one header.
 *
 * @throws SigningError `scheme-invalid` for an unknown option
 */
export function standardWebhooks(options: StandardWebhooksOptions = {}): Scheme {
  checkKnownKeys(options, ['prefix'])
  const { prefix = 'webhook' } = options
  return { spec: { scheme: 'standard-webhooks', prefix }, ...standardVerifier(prefix) }
}
