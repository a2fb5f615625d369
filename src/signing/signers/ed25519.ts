/** The sending half of Standard Webhooks v1a. */

import { encodeBase64 } from '../base64.js'
import { pkcs8, privateKey } from '../ed25519-key.js'
import { nodeCrypto } from '../node-crypto.js'
import type { SignatureHeaders, SignedMessage } from '../scheme.js'
import { VerificationError } from '../verification-error.js'
import type { Signer } from './signer.js'

/**
 * Signs with all keys, newest first.
 *
 * @throws VerificationError `secret-wrong-kind` when the halves of a key do not belong together (node:crypto only):
 * receivers would hold a public key that never verifies.
 */
export function ed25519Signer(prefix: string, secrets: readonly string[]): Signer {
  const write = (message: SignedMessage, signatures: string[]): SignatureHeaders => ({
    [`${prefix}-id`]: message.id,
    [`${prefix}-timestamp`]: String(message.timestamp),
    [`${prefix}-signature`]: signatures.map((one) => `v1a,${one}`).join(' '),
  })
  const join = (message: SignedMessage) =>
    new Blob([`${message.id}.${message.timestamp}.`, message.body as Uint8Array<ArrayBuffer>]).arrayBuffer()
  const node = nodeCrypto
  if (!node) {
    const keys = Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('pkcs8', pkcs8(privateKey(secret).seed), 'Ed25519', false, ['sign']),
      ),
    )
    keys.catch(() => undefined)
    return async (message) => {
      const bytes = await join(message)
      const signed = (await keys).map((key) => crypto.subtle.sign('Ed25519', key, bytes))
      return write(
        message,
        (await Promise.all(signed)).map((one) => encodeBase64(new Uint8Array(one))),
      )
    }
  }
  const keys = secrets.map((secret) => nodePrivateKey(node, secret))
  const encoder = new TextEncoder()
  return (message) => {
    const head = encoder.encode(`${message.id}.${message.timestamp}.`)
    const bytes = new Uint8Array(head.length + message.body.length)
    bytes.set(head)
    bytes.set(message.body, head.length)
    return write(
      message,
      keys.map((key) => node.sign(null, bytes, key).toString('base64')),
    )
  }
}

function nodePrivateKey(node: typeof import('node:crypto'), secret: string) {
  const { seed, publicKey } = privateKey(secret)
  const key = node.createPrivateKey({
    key: pkcs8(seed) as Uint8Array as Buffer,
    format: 'der',
    type: 'pkcs8',
  })
  const spki = new Uint8Array(node.createPublicKey(key).export({ format: 'der', type: 'spki' }))
  if (spki.slice(-32).some((byte, index) => byte !== publicKey[index]))
    throw new VerificationError('secret-wrong-kind: the public half of this whsk_ key belongs to another')
  return key
}
