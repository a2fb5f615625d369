/** Options of `hmac()`: defaults written out once, then checked. The same check guards what a store returns. */

import { checkHeaderName, checkKnownKeys, invalid } from './check-spec.js'
import type { HmacContent, HmacFormat, HmacSpec } from './hmac-spec.js'

/** Options of `hmac()`. Header names may be in any case; they are sent in lower case. */
export interface HmacOptions {
  /** The signature header. */
  readonly header: string
  /** Text before each signature, for example `sha256=`. @default '' */
  readonly prefix?: string
  /** @default 'hex' */
  readonly encoding?: 'hex' | 'base64'
  /** What is signed. Anything but `body` protects against replays. @default 'body' */
  readonly content?: HmacContent
  /** Layout of the header; all but `single` carry old secrets during a rotation. @default 'single' */
  readonly format?: HmacFormat
  /** How a secret becomes a key: UTF-8 bytes or decoded base64. @default 'utf8' */
  readonly secretEncoding?: 'utf8' | 'base64'
  /** Carries the message's id; needed when `content` has `id`. */
  readonly idHeader?: string
  /** Carries the timestamp in seconds; needed when `content` has `timestamp` and `format` is not `labelled`. */
  readonly timestampHeader?: string
  /** Carries the event type. Not signed. */
  readonly eventHeader?: string
}

const contents: readonly string[] = ['body', 'timestamp.body', 'id.timestamp.body', 'v0:timestamp:body']
const formats: readonly string[] = ['single', 'list', 'labelled', 'spaced']
const headerKeys = ['header', 'idHeader', 'timestampHeader', 'eventHeader'] as const
const otherKeys = ['scheme', 'prefix', 'encoding', 'content', 'format', 'secretEncoding']

/** The options with every default written out. */
export function hmacSpec(options: HmacOptions): HmacSpec {
  const spec = {
    prefix: '',
    encoding: 'hex',
    content: 'body',
    format: 'single',
    secretEncoding: 'utf8',
    ...options,
    scheme: 'hmac',
  } as HmacSpec & Record<string, unknown>
  const entries = Object.entries(spec).filter(([, value]) => value !== undefined)
  const lower = entries.map(([key, value]) => [
    key,
    headerKeys.some((name) => name === key) && typeof value === 'string' ? value.toLowerCase() : value,
  ])
  return Object.fromEntries(lower)
}

/** @throws SigningError `scheme-invalid` naming the field. */
export function checkHmacSpec(spec: HmacSpec): void {
  checkKnownKeys(spec, [...otherKeys, ...headerKeys])
  for (const key of headerKeys)
    if (key === 'header' || spec[key] !== undefined) checkHeaderName(key, spec[key])
  oneOf('encoding', spec.encoding, ['hex', 'base64'])
  oneOf('content', spec.content, contents)
  oneOf('format', spec.format, formats)
  oneOf('secretEncoding', spec.secretEncoding, ['utf8', 'base64'])
  checkPrefix(spec)
  if (spec.content.includes('id') && !spec.idHeader) throw invalid(`content "${spec.content}" needs idHeader`)
  const embedded = spec.format === 'labelled'
  if (embedded && !spec.content.includes('timestamp'))
    throw invalid(`format "labelled" sends t=<timestamp>, so content "${spec.content}" must sign it`)
  if (spec.content.includes('timestamp') && !embedded && !spec.timestampHeader)
    throw invalid(`content "${spec.content}" needs timestampHeader, or format "labelled"`)
  const names = headerKeys.map((key) => spec[key]).filter((name) => name !== undefined)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw invalid(`header "${twice}" is used twice`)
}

function oneOf(key: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.some((one) => one === value))
    throw invalid(`${key} must be one of ${allowed.map((one) => `"${one}"`).join(', ')}`)
}

function checkPrefix({ prefix, format }: HmacSpec): void {
  if (typeof prefix !== 'string' || !/^[!-~]{0,32}$/.test(prefix))
    throw invalid('prefix must be at most 32 visible ASCII characters')
  if (format === 'labelled' && !/^[^,=]+=$/.test(prefix.replace(/^t=$/, '')))
    throw invalid('format "labelled" needs a prefix such as "v1=", other than "t="')
  if (format !== 'spaced' && prefix.includes(','))
    throw invalid(`prefix must not contain a comma in format "${format}"`)
}
