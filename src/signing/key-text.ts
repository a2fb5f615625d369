/** How the HMAC schemes read a secret: one character per byte of the key. */

import type { SchemeSpec } from './scheme.js'
import { base64Key } from './secret-key.js'
import { textKey } from './text-key.js'

/** The parser of the scheme's secrets. It throws VerificationError with a `secret-…` code. */
export function keyText(
  spec: Extract<SchemeSpec, { scheme: 'standard-webhooks' | 'hmac' }>,
): (secret: string) => string {
  if (spec.scheme === 'standard-webhooks') return (secret) => base64Key(secret, 'whsec_')
  return spec.secretEncoding === 'utf8' ? textKey : (secret) => base64Key(secret, '')
}
