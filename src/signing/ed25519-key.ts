/** The raw keys of Standard Webhooks v1a: `whpk_` + 32 bytes, `whsk_` + seed and public key (64 bytes). */

import { encodeHex } from './hex.js'
import { keyBytes } from './key-bytes.js'
import { base64Key } from './secret-key.js'
import { VerificationError } from './verification-error.js'

/**
 * The y coordinates of the points of small order, as hexadecimal, with the non-canonical ones. Under such a key
 * one signature fits every message, and both OpenSSL and Web Crypto accept it.
 * Source: libsodium, ge25519_has_small_order.
 */
const smallOrder: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

/** The 32 bytes of a `whpk_` key. @throws VerificationError with a `secret-…` code */
export function publicKey(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = taggedKey(secret, 'whpk_')
  const masked = Uint8Array.from(bytes, (byte, index) => (index === 31 ? byte & 127 : byte))
  if (bytes.length !== 32 || smallOrder.includes(encodeHex(masked)))
    throw new VerificationError('secret-wrong-kind: not a usable Ed25519 public key')
  return bytes
}

/** Seed and public key of a `whsk_` key. @throws VerificationError with a `secret-…` code */
export function privateKey(secret: string): { seed: Uint8Array<ArrayBuffer>; publicKey: Uint8Array } {
  const bytes = taggedKey(secret, 'whsk_')
  if (bytes.length !== 64)
    throw new VerificationError('secret-wrong-kind: a whsk_ key has 64 bytes: seed and public key')
  return { seed: bytes.slice(0, 32), publicKey: bytes.slice(32) }
}

/** PKCS #8 of a seed (RFC 8410), which both node:crypto and Web Crypto import. */
export function pkcs8(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32, ...seed])
}

function taggedKey(secret: string, kind: string): Uint8Array<ArrayBuffer> {
  const bytes = /^whsec_/.test(secret) ? undefined : keyBytes(base64Key(secret, kind))
  if (!bytes || !secret.startsWith(kind)) throw new VerificationError(`secret-wrong-kind: use ${kind}…`)
  return bytes
}
