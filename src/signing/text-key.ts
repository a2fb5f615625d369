/** The key of a secret that is text, for schemes other than Standard Webhooks. */

import { VerificationError } from './verification-error.js'

/**
 * The UTF-8 bytes of a secret, one character per byte, whatever it looks like. Only what cannot be meant is
 * refused: nothing, white space around it, a pasted signature, an Ed25519 key.
 *
 * @throws VerificationError with a `secret-…` code.
 */
export function textKey(secret: string | undefined): string {
  if (!secret) throw new VerificationError('secret-missing: is its environment variable set?')
  if (secret.trim() !== secret) throw new VerificationError('secret-whitespace: trim it')
  if (/^v1a?,/.test(secret)) throw new VerificationError('secret-is-signature: use the secret')
  if (/^wh[sp]k_/.test(secret)) throw new VerificationError('secret-wrong-kind: not an Ed25519 key')
  return String.fromCharCode(...new TextEncoder().encode(secret))
}
