/** Issues secrets and checks those that a caller brings. Stricter than verifying: what is issued here must be strong. */

import { encodeBase64 } from './base64.js'
import { privateKey } from './ed25519-key.js'
import { encodeHex } from './hex.js'
import { keyText } from './key-text.js'
import { nodeCrypto } from './node-crypto.js'
import type { Scheme } from './scheme.js'
import { SigningError } from './signing-error.js'
import { VerificationError } from './verification-error.js'

/** A new secret. */
export interface GeneratedSecret {
  /** What the sender keeps, and, but for Ed25519, what the receiver is given. */
  readonly secret: string
  /** Ed25519 only: `whpk_…`, what the receiver is given. */
  readonly publicKey?: string
}

/**
 * A fresh secret from 32 random bytes: `whsec_` + base64 for Standard Webhooks, a `whsk_`/`whpk_` pair for Ed25519,
 * 64 hexadecimal characters (or base64, where the scheme decodes it) for `hmac()`.
 *
 * @throws SigningError `secret-missing` for a scheme that takes no secret, `crypto-unavailable` for Ed25519 where
 * there is no node:crypto.
 */
export function generateSecret({ spec, custom }: Scheme): GeneratedSecret {
  const random = crypto.getRandomValues(new Uint8Array(32))
  switch (spec.scheme) {
    case 'standard-webhooks':
      return { secret: `whsec_${encodeBase64(random)}` }
    case 'ed25519':
      return generateKeyPair()
    case 'hmac':
      return { secret: spec.secretEncoding === 'base64' ? encodeBase64(random) : encodeHex(random) }
    case 'custom':
      return { secret: custom?.generateSecret?.() ?? encodeHex(random) }
    case 'unsigned':
      throw new SigningError('secret-missing', 'unsigned() takes no secret')
  }
}

/** The `whpk_` key of a `whsk_` key, to show to receivers again. @throws SigningError with a `secret-…` code */
export const publicKeyOf = (secret: string): string =>
  asSigningError(() => `whpk_${encodeBase64(privateKey(secret).publicKey)}`)

/**
 * Refuses a secret that must not be issued: 24 to 64 bytes of base64 for Standard Webhooks (its specification),
 * a `whsk_` key for Ed25519, 1 to 255 characters for others.
 *
 * @throws SigningError with a `secret-…` code; the message never holds the secret.
 */
export function validateSecret(scheme: Scheme, secret: string): void {
  const { spec, custom } = scheme
  if (typeof secret !== 'string') throw new SigningError('secret-missing', 'the secret must be a string')
  // Ends the sentence of `base64Key`: use whsec_<base64> …
  const issued = spec.scheme === 'standard-webhooks' ? ' of 24 to 64 random bytes' : ''
  asSigningError(() => {
    switch (spec.scheme) {
      case 'standard-webhooks': {
        const { length } = keyText(spec)(secret)
        if (length < 24 || length > 64)
          throw new SigningError(
            'secret-length',
            `the secret must have 24 to 64 bytes, not ${length}: use whsec_<base64>${issued}`,
          )
        return
      }
      case 'ed25519':
        privateKey(secret)
        return
      case 'hmac':
        checkCharacters(secret)
        keyText(spec)(secret)
        return
      case 'custom':
        if (custom?.validateSecret) custom.validateSecret(secret)
        else checkOwn(secret)
        return
      case 'unsigned':
        throw new SigningError('secret-wrong-kind', 'unsigned() takes no secret')
    }
  }, issued)
}

/** True when the scheme can sign with this secret. */
export function acceptsSecret(scheme: Scheme, secret: string): boolean {
  try {
    validateSecret(scheme, secret)
    return true
  } catch {
    return false
  }
}

/** Runs what throws errors of the verifying side, and throws them as errors of the sending side, with more to say. */
export function asSigningError<Result>(run: () => Result, more = ''): Result {
  try {
    return run()
  } catch (error) {
    if (error instanceof VerificationError && error.code.startsWith('secret-'))
      throw new SigningError(error.code as SigningError['code'], error.message + more)
    throw error
  }
}

/** A custom scheme that does not check for itself never gets a private key that belongs to another scheme. */
function checkOwn(secret: string): void {
  checkCharacters(secret)
  if (/^wh[sp]k_/.test(secret))
    throw new SigningError('secret-wrong-kind', 'an Ed25519 key, which only ed25519() can use')
}

function checkCharacters(secret: string): void {
  if (secret === '') throw new SigningError('secret-missing', 'the secret is empty')
  if ([...secret].length > 255)
    throw new SigningError('secret-length', 'the secret must have at most 255 characters')
  if (/\p{Surrogate}/u.test(secret))
    throw new SigningError('secret-wrong-kind', 'the secret has a lone surrogate, which UTF-8 cannot express')
}

function generateKeyPair(): GeneratedSecret {
  const node = nodeCrypto
  if (!node)
    throw new SigningError(
      'crypto-unavailable',
      'issuing Ed25519 keys needs node:crypto; bring your own whsk_ key',
    )
  const pair = node.generateKeyPairSync('ed25519')
  // The last 32 bytes of either encoding are the raw key (RFC 8410).
  const seed = pair.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return {
    secret: `whsk_${encodeBase64(Uint8Array.from([...seed, ...publicKey]))}`,
    publicKey: `whpk_${encodeBase64(publicKey)}`,
  }
}
