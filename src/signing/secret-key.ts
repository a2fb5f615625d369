/**
 * Turns the text of a secret into key bytes, strictly. Each usual mistake has its own code; what a permissive
 * decoder would turn into an empty key is refused.
 */

import { VerificationError } from './verification-error.js'

/**
 * The key bytes of a base64 secret. Its `kind` (`whsec_`) may be missing, and so may the padding.
 *
 * @throws VerificationError with a `SECRET_…` code.
 */
export function base64Key(secret: string, kind: string): Uint8Array<ArrayBuffer> {
  const text = secret || ''
  try {
    const binary = atob(text.startsWith(kind) ? text.slice(kind.length) : text)
    // atob skips white space. No bytes at all would be a key that everybody knows.
    if (binary && !/\s/.test(text)) {
      const bytes = new Uint8Array(binary.length)
      for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
      return bytes
    }
  } catch {}
  throw refusedSecret(text, kind)
}

/** The error that tells what a refused secret seems to be. */
export function refusedSecret(text: string, kind: string): VerificationError {
  return new VerificationError(
    !text
      ? 'SECRET_MISSING'
      : /\s/.test(text)
        ? 'SECRET_WHITESPACE'
        : /^v1a?,/.test(text)
          ? 'SECRET_IS_SIGNATURE'
          : /^wh[sp]k/.test(text)
            ? 'SECRET_WRONG_KIND'
            : 'SECRET_NOT_BASE64',
    `use ${kind}…`,
  )
}

/**
 * The UTF-8 bytes of a secret, whatever it looks like. Only what cannot be meant is refused: nothing, white space
 * around it, a pasted signature, an Ed25519 key.
 *
 * @throws VerificationError with a `SECRET_…` code.
 */
export function textKey(secret: string): Uint8Array<ArrayBuffer> {
  const text = secret || ''
  if (text.trim() !== text) throw new VerificationError('SECRET_WHITESPACE', 'trim it')
  if (/^(v1a?,|wh[sp]k_|$)/.test(text)) throw refusedSecret(text, 'a secret of this scheme')
  return new TextEncoder().encode(text)
}
