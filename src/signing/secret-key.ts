/**
 * Turns the text of a secret into a key, strictly. Each usual mistake has its own code; what a permissive decoder
 * would turn into an empty key is refused.
 */

import { VerificationError } from './verification-error.js'

/**
 * The key of a base64 secret, one character per byte. Its padding may be missing.
 *
 * A binary string because node:crypto takes it as it is: a fresh small Uint8Array costs it half a microsecond.
 *
 * @param kind What goes before the base64, for example `whsec_`; the secret may lack it.
 * @throws VerificationError with a `secret-…` code.
 */
export function base64Key(secret: string, kind: string): string {
  try {
    const key = atob(secret.replace(RegExp(`^${kind}`), ''))
    // atob skips white space, and no bytes at all would be a key that everybody knows.
    if (key && !/\s/.test(secret)) return key
  } catch {}
  throw new VerificationError(
    `secret-${
      !secret
        ? 'missing'
        : /\s/.test(secret)
          ? 'whitespace'
          : /,/.test(secret)
            ? 'is-signature'
            : /^wh.k_/.test(secret)
              ? 'wrong-kind'
              : 'not-base64'
    }: use ${kind}<base64>`,
  )
}
