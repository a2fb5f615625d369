/**
 * `hmac()`: every scheme that is an HMAC-SHA256 in a header, from one descriptor. Holds the receivers' half; the
 * sending half is in `signers/`.
 */

import { encodeBase64 } from './base64.js'
import { encodeHex } from './hex.js'
import { checkHmacSpec, type HmacOptions, hmacSpec } from './hmac-options.js'
import { hmacSha256 } from './hmac-sha256.js'
import { type HmacSpec, signedPrefix } from './hmac-spec.js'
import { presentValue, singleValue } from './request-headers.js'
import { sameText } from './same-text.js'
import type { HeaderReader, ReceivedHeaders, Scheme } from './scheme.js'
import { base64Key, textKey } from './secret-key.js'
import { VerificationError } from './verification-error.js'

/**
 * An HMAC-SHA256 scheme.
 *
 * @throws SigningError `SCHEME_INVALID` naming the option.
 * @example
 * hmac({ header: 'x-webhook-signature-256', prefix: 'sha256=' })
 * hmac({ header: 'x-webhook-signature', eventHeader: 'x-event-type' })
 */
export function hmac(options: HmacOptions): Scheme {
  const spec = hmacSpec(options)
  checkHmacSpec(spec)
  const encode = spec.encoding === 'hex' ? encodeHex : encodeBase64
  return {
    spec,
    verifier: {
      key: (secret) => (spec.secretEncoding === 'utf8' ? textKey(secret) : base64Key(secret, '')),
      read: (header) => readHmacHeaders(header, spec),
      async match(key, { signed, signatures }, body) {
        const expected = await hmacSha256(key, signed, body, spec.encoding, encode)
        return signatures.some((signature) => sameText(signature, expected))
      },
    },
  }
}

function readHmacHeaders(header: HeaderReader, spec: HmacSpec): ReceivedHeaders {
  const signsId = spec.content.includes('id')
  const signsTimestamp = spec.content.includes('timestamp')
  const { signatures, embedded } = candidates(header, spec)
  // An id that is not signed may be absent: it only helps to drop duplicates.
  const id =
    spec.idHeader && (signsId || header(spec.idHeader)) ? singleValue(header, spec.idHeader) : undefined
  if (signsId && id?.includes('.')) throw new VerificationError('ID_INVALID', 'has a full stop')
  const timestamp = signsTimestamp ? (embedded ?? singleValue(header, spec.timestampHeader ?? '')) : undefined
  return {
    id,
    timestamp,
    type: (spec.eventHeader && header(spec.eventHeader)) || undefined,
    signed: signedPrefix(spec.content, id ?? '', timestamp ?? ''),
    signatures,
  }
}

/** The candidates, without prefix. What has another prefix is another version, and is skipped. */
function candidates(header: HeaderReader, spec: HmacSpec): { signatures: string[]; embedded?: string } {
  const { header: name, prefix, format } = spec
  const strip = (parts: string[]) =>
    parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length))
  switch (format) {
    case 'single':
      return { signatures: strip([singleValue(header, name)]) }
    case 'list':
      return { signatures: strip([presentValue(header, name)]).flatMap((list) => list.split(',')) }
    case 'spaced':
      return { signatures: strip(splitList(presentValue(header, name))) }
    case 'labelled': {
      const parts = presentValue(header, name).split(',')
      const [embedded, second] = parts.filter((part) => part.startsWith('t='))
      if (embedded === undefined) throw new VerificationError('HEADER_MISSING', `t= in ${name}`)
      if (second !== undefined) throw new VerificationError('HEADER_REPEATED', `t= in ${name}`)
      return { signatures: strip(parts), embedded: embedded.slice(2) }
    }
  }
}

const splitList = (value: string): string[] =>
  value
    .split(' ')
    .map((part) => part.replace(/,$/, ''))
    .filter(Boolean)
