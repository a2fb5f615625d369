/**
 * `hmac()`: every scheme that is an HMAC-SHA256 in a header, from one descriptor. Holds the receivers' half; the
 * sending half is in `signers/`.
 */

import { headerValue } from './header-value.js'
import { encodeHex } from './hex.js'
import { hmacMatch } from './hmac-match.js'
import { checkHmacSpec, type HmacOptions, hmacSpec } from './hmac-options.js'
import { type HmacSpec, signedPrefix } from './hmac-spec.js'
import { keyBytes } from './key-bytes.js'
import type { HeaderReader, ReceivedHeaders, Scheme } from './scheme.js'
import { base64Key } from './secret-key.js'
import { textKey } from './text-key.js'
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
  const write = spec.encoding === 'hex' ? (digest: string) => encodeHex(keyBytes(atob(digest))) : String
  return {
    spec,
    key: (secret) => (spec.secretEncoding === 'utf8' ? textKey(secret) : base64Key(secret, /^/)),
    read: (header) => readHmacHeaders(header, spec),
    match: (key, received, body) => hmacMatch(key, received, body, write),
  }
}

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
