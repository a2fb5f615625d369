/** The sending half of every HMAC scheme, the default one included. Keys are prepared once; the body is never copied on Node. */

import { encodeBase64 } from '../base64.js'
import { encodeHex } from '../hex.js'
import { type HmacSpec, signedPrefix } from '../hmac-spec.js'
import { keyBytes } from '../key-bytes.js'
import { nodeCrypto } from '../node-crypto.js'
import type { SignatureHeaders, SignedMessage } from '../scheme.js'
import { SigningError } from '../signing-error.js'
import type { Signer } from './signer.js'

/**
 * Signs with all keys, newest first; format `single` has room for the newest only. Synchronous where there is
 * node:crypto.
 */
export function hmacSigner(spec: HmacSpec, keys: readonly string[]): Signer {
  const used = spec.format === 'single' ? keys.slice(0, 1) : keys
  return nodeCrypto ? nodeSigner(nodeCrypto, spec, used) : webSigner(spec, used)
}

function nodeSigner(node: NonNullable<typeof nodeCrypto>, spec: HmacSpec, keys: readonly string[]): Signer {
  const { createHmac, createSecretKey } = node
  const { header, prefix, content, encoding, format, idHeader, timestampHeader, eventHeader } = spec
  const [newest, ...older] = keys.map((key) => createSecretKey(keyBytes(key)))
  if (newest === undefined) throw new SigningError('secret-missing', 'no secret to sign with')
  const between = separator(spec)
  const standard = content === 'id.timestamp.body'
  // Filling a copy is faster than a record that grows name by name: 5 % of a small signature.
  const blank = signatureHeaders(spec, { id: '', type: '' }, '', '')
  // Two updates on a fresh hash: joining prefix and body first costs up to 65 % at 200 KB, a copied hash state 37 % at 200 B.
  return (message) => {
    const timestamp = String(message.timestamp)
    // The default's text in place: a call and a switch are 1 % of a small signature.
    const signed = standard ? `${message.id}.${timestamp}.` : signedPrefix(content, message.id, timestamp)
    let signatures =
      prefix + createHmac('sha256', newest).update(signed).update(message.body).digest(encoding)
    for (const key of older)
      signatures += between + createHmac('sha256', key).update(signed).update(message.body).digest(encoding)
    const headers = { ...blank }
    if (idHeader) headers[idHeader] = message.id
    if (timestampHeader) headers[timestampHeader] = timestamp
    if (eventHeader) headers[eventHeader] = message.type
    headers[header] = format === 'labelled' ? `t=${timestamp},${signatures}` : signatures
    return headers
  }
}

function webSigner(spec: HmacSpec, keys: readonly string[]): Signer {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const prepared = Promise.all(
    keys.map((key) => crypto.subtle.importKey('raw', keyBytes(key), algorithm, false, ['sign'])),
  )
  // Whoever signs first sees a failure; until then it must not end the process.
  prepared.catch(() => undefined)
  const encode = spec.encoding === 'hex' ? encodeHex : encodeBase64
  return async (message) => {
    const timestamp = String(message.timestamp)
    const signed = signedPrefix(spec.content, message.id, timestamp)
    const bytes = await new Blob([signed, message.body as Uint8Array<ArrayBuffer>]).arrayBuffer()
    const digests = (await prepared).map((key) => crypto.subtle.sign('HMAC', key, bytes))
    const written = (await Promise.all(digests)).map((digest) => encode(new Uint8Array(digest)))
    const open = spec.format === 'labelled' ? `t=${timestamp},` : ''
    return signatureHeaders(spec, message, timestamp, open + spec.prefix + written.join(separator(spec)))
  }
}

/** What stands between two signatures. */
const separator = ({ prefix, format }: HmacSpec): string =>
  ({ single: '', list: ',', labelled: `,${prefix}`, spaced: ` ${prefix}` })[format]

function signatureHeaders(
  { header, idHeader, timestampHeader, eventHeader }: HmacSpec,
  message: Pick<SignedMessage, 'id' | 'type'>,
  timestamp: string,
  signatures: string,
): SignatureHeaders {
  const headers: SignatureHeaders = {}
  if (idHeader) headers[idHeader] = message.id
  if (timestampHeader) headers[timestampHeader] = timestamp
  if (eventHeader) headers[eventHeader] = message.type
  headers[header] = signatures
  return headers
}
