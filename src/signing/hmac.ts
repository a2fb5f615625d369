/**
 * `hmac()`: every scheme that is an HMAC-SHA256 in a header, from one descriptor. Holds the receivers' half; the
 * sending half is in `signers/`.
 */

import { encodeBase64 } from './base64.js'
import { headerValue } from './header-value.js'
import { decodeHex } from './hex.js'
import { type HmacKey, hmacKeys } from './hmac-key.js'
import { hmacMatch } from './hmac-match.js'
import { checkHmacSpec, type HmacOptions, hmacSpec } from './hmac-options.js'
import { type HmacSpec, signedPrefix } from './hmac-spec.js'
import { keyText } from './key-text.js'
import type { HeaderReader, ReceivedHeaders, Scheme, Verifier } from './scheme.js'
import { VerificationError } from './verification-error.js'

/**
 * An HMAC-SHA256 scheme.
 *
 * @throws SigningError `scheme-invalid` naming the option.
 * @example
 * hmac({ header: 'x-webhook-signature-256', prefix: 'sha256=' })
 * hmac({ header: 'x-webhook-signature', eventHeader: 'x-event-type' })
 */
export function hmac(options: HmacOptions): Scheme {
  const spec = hmacSpec(options)
  checkHmacSpec(spec)
  const verifier: Verifier<HmacKey> = {
    key: hmacKeys(keyText(spec)),
    read: (header) => readHmacHeaders(header, spec),
    match: (key, received, body) => hmacMatch(key, asStandard(received, spec), body),
  }
  return { spec, ...verifier }
}

/** The candidates in base64, as `hmacMatch` compares them. Strict: what is not written as this scheme does matches nothing. */
const asStandard = (received: ReceivedHeaders, { encoding }: HmacSpec): ReceivedHeaders => ({
  ...received,
  signatures: received.signatures
    .filter((one) => encoding === 'base64' || /^[\da-f]{64}$/.test(one))
    .map((one) => `v1,${encoding === 'hex' ? encodeBase64(decodeHex(one)) : one}`),
})

function readHmacHeaders(header: HeaderReader, spec: HmacSpec): ReceivedHeaders {
  const { content, idHeader, timestampHeader, eventHeader } = spec
  const { signatures, embedded } = candidates(header, spec)
  const id = content.includes('id')
    ? headerValue(header, idHeader ?? '', /[.,]/)
    : unsignedId(header, idHeader)
  const timestamp = content.includes('timestamp')
    ? (embedded ?? headerValue(header, timestampHeader ?? '', /,/))
    : undefined
  return {
    id,
    timestamp,
    type: (eventHeader && header(eventHeader)) || undefined,
    signed: signedPrefix(content, id ?? '', timestamp ?? ''),
    signatures,
  }
}

/** An id that is not signed may be absent: it only helps to drop duplicates. */
const unsignedId = (header: HeaderReader, name: string | undefined): string | undefined =>
  name && header(name) ? headerValue(header, name, /,/) : undefined

/** The candidates, without prefix. What has another prefix is another version, and is skipped. */
function candidates(header: HeaderReader, spec: HmacSpec): { signatures: string[]; embedded?: string } {
  const { header: name, prefix, format } = spec
  const strip = (parts: string[]) =>
    parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length))
  switch (format) {
    case 'single':
      return { signatures: strip([headerValue(header, name, /,/)]) }
    case 'list':
      return { signatures: strip([headerValue(header, name)]).flatMap((list) => list.split(',')) }
    case 'spaced':
      return { signatures: strip(splitList(headerValue(header, name))) }
    case 'labelled': {
      const parts = headerValue(header, name).split(',')
      const [embedded, second] = parts.filter((part) => part.startsWith('t='))
      if (embedded === undefined) throw new VerificationError(`header-missing: t= in ${name}`)
      if (second !== undefined) throw new VerificationError(`header-ambiguous: t= in ${name}`)
      return { signatures: strip(parts), embedded: embedded.slice(2) }
    }
  }
}

const splitList = (value: string): string[] =>
  value
    .split(' ')
    .map((part) => part.replace(/,$/, ''))
    .filter(Boolean)
