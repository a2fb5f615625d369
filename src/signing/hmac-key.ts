/** Keeps the key of the secret in use, so that a receiver parses and imports it once and not per request. */

import { nodeCrypto } from './node-crypto.js'

/** What `hmacMatch` hashes with: bytes where there is node:crypto, else a CryptoKey that is being imported. */
export type HmacKey = Uint8Array | Promise<CryptoKey>

/**
 * Secret → key. Remembers only the secret used last: enough for a receiver of one sender, and nothing to grow.
 *
 * @param parse Gives one character per byte, or throws.
 */
export const hmacKeys = (parse: (secret: string) => string): ((secret: string) => HmacKey) => {
  let last: unknown = parse
  let key: HmacKey
  return (secret) => {
    if (secret !== last) {
      const bytes = Uint8Array.from(parse(secret), (character) => character.charCodeAt(0))
      key = nodeCrypto
        ? bytes
        : crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
      last = secret
    }
    return key
  }
}
