/** The sending half of every HMAC scheme, the default one included. Keys are prepared once; the body is never copied on Node. */

import { encodeBase64 } from '../base64.js'
import { encodeHex } from '../hex.js'
import { type HmacSpec, signedPrefix } from '../hmac-spec.js'
import { keyBytes } from '../key-bytes.js'
import { nodeCrypto } from '../node-crypto.js'
import type { SignatureHeaders, SignedMessage } from '../scheme.js'
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
  const prepared = keys.map((key) => createSecretKey(keyBytes(key)))
  const { content, encoding } = spec
  const finish = headerWriter(spec)
  // Two updates on a fresh hash: joining prefix and body first costs up to 65 % at 200 KB, a copied hash state 37 % at 200 B.
  const digest = (key: (typeof prepared)[number], signed: string, body: Uint8Array) =>
    createHmac('sha256', key).update(signed).update(body).digest(encoding)
  const [first, ...older] = prepared
  if (first === undefined) return () => ({})
  return (message) => {
    const timestamp = String(message.timestamp)
    const signed = signedPrefix(content, message.id, timestamp)
    let signatures = finish.open(timestamp) + digest(first, signed, message.body)
    for (const key of older) signatures += finish.between + digest(key, signed, message.body)
    return finish.headers(message, timestamp, signatures)
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
  const finish = headerWriter(spec)
  return async (message) => {
    const timestamp = String(message.timestamp)
    const signed = signedPrefix(spec.content, message.id, timestamp)
    const bytes = await new Blob([signed, message.body as Uint8Array<ArrayBuffer>]).arrayBuffer()
    const digests = (await prepared).map(async (key) =>
      encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes))),
    )
    const signatures = (await Promise.all(digests)).join(finish.between)
    return finish.headers(message, timestamp, finish.open(timestamp) + signatures)
  }
}

/** How signatures become header values. */
function headerWriter({ header, prefix, format, idHeader, timestampHeader, eventHeader }: HmacSpec) {
  const between = { single: '', list: ',', labelled: `,${prefix}`, spaced: ` ${prefix}` }[format]
  return {
    between,
    open: format === 'labelled' ? (timestamp: string) => `t=${timestamp},${prefix}` : () => prefix,
    headers(message: SignedMessage, timestamp: string, signatures: string): SignatureHeaders {
      const headers: SignatureHeaders = {}
      if (idHeader) headers[idHeader] = message.id
      if (timestampHeader) headers[timestampHeader] = timestamp
      if (eventHeader) headers[eventHeader] = message.type
      headers[header] = signatures
      return headers
    },
  }
}
