/**
 * Standard Webhooks v1a: Ed25519 over `id.timestamp.body`. The sender holds `whsk_`, receivers only `whpk_`. Holds
 * the receivers' half; the sending half is in `signers/`.
 */

import { checkKnownKeys } from './check-spec.js'
import { publicKey } from './ed25519-key.js'
import { keyBytes } from './key-bytes.js'
import type { Scheme, Verifier } from './scheme.js'
import { standardVerifier } from './standard-verifier.js'
import type { StandardWebhooksOptions } from './standard-webhooks.js'
import { VerificationError } from './verification-error.js'

/**
 * Standard Webhooks v1a. `verify` takes the `whpk_` key as its secret, the sender `whsk_`.
 *
 * @throws SigningError `scheme-invalid` for an unknown option
 */
export function ed25519(options: StandardWebhooksOptions = {}): Scheme {
  checkKnownKeys(options, ['prefix'])
  const { prefix = 'webhook' } = options
  const verifier: Verifier<string> = {
    key: (secret) => String.fromCharCode(...publicKey(secret)),
    read(header) {
      const received = standardVerifier(prefix).read(header)
      const signatures = received.signatures.filter((one) => one.startsWith('v1a,'))
      // One check costs as much as forty HMACs, so far fewer are allowed.
      if (signatures.length > 4 || received.signatures.length > 32)
        throw new VerificationError('too-many-signatures: over 4 of v1a')
      return { ...received, signatures }
    },
    async match(key, { signed, signatures }, body) {
      const usable = signatures.map((one) => one.slice(4)).filter((one) => canonical.test(one))
      if (!usable.length) return false
      const imported = await crypto.subtle.importKey('raw', keyBytes(key), 'Ed25519', false, ['verify'])
      const message = await new Blob([signed, body as Uint8Array<ArrayBuffer>]).arrayBuffer()
      for (const one of usable) {
        const signature = keyBytes(atob(one))
        if (await crypto.subtle.verify('Ed25519', imported, signature, message)) return true
      }
      return false
    },
  }
  return { spec: { scheme: 'ed25519', prefix }, ...verifier }
}

/** 64 bytes in base64, with the unused bits of the last character at zero. */
const canonical = /^[A-Za-z\d+/]{85}[AQgw]==$/
