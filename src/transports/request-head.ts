/**
 * Checks the parts of a request that a transport turns into the request line and the header block. Pure; says
 * no with an error that already carries `invalid-request`.
 */
import type { LookupAddress } from 'node:dns'
import { createKept } from '../guard/kept.ts'
import { parseUrl } from '../guard/parse-url.ts'
import { MAX_URL_LENGTH } from '../guard/url-rules.ts'
import type { TargetGuard, TransportRequest } from '../transport.ts'
import { VERSION } from '../version.ts'
import { failureError, sentence } from './failure.ts'

/** Sent when the request names no agent of its own: the library, and its version without the patch. */
export const DEFAULT_USER_AGENT = `Posthorn/${VERSION.split('.', 2).join('.')}`

/** Header names that frame the message or belong to one connection: the transport's own, never the caller's. */
const OWNED = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
])

/** True for a header that the transport alone may set. `name` in lower case. */
export function isOwnedHeader(name: string): boolean {
  return OWNED.has(name)
}

/** Where a request goes: the connection's key and what stands in the request line. */
export interface Target {
  readonly origin: string
  readonly path: string
  /** What is looked up, without brackets and without a trailing dot. */
  readonly hostname: string
  /** The hostname as the only address, where it is one. */
  readonly literal: readonly LookupAddress[] | null
}

/** Reads a URL that can be sent to: absolute, http or https, no credentials, let pass by the guard. Throws for any other. */
export function targetOf(given: string, guard?: TargetGuard): Target {
  if (guard?.judgeUrl(given).allowed === false) throw failureError('blocked', sentence('blocked'))
  const url = parseUrl(given)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw failureError('invalid-request', 'This request cannot be sent: the URL is not an http(s) URL.')
  }
  if (url.username !== '' || url.password !== '') {
    throw failureError('invalid-request', 'This request cannot be sent: the URL carries credentials.')
  }
  // SNI and Host know no trailing dot.
  const name = url.hostname.replace(/\.$/, '')
  const hostname = name.startsWith('[') ? name.slice(1, -1) : name
  const family = name.startsWith('[') ? 6 : /^\d+\.\d+\.\d+\.\d+$/.test(name) ? 4 : 0
  return {
    origin: `${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}`,
    path: url.pathname + url.search,
    hostname,
    literal: family === 0 ? null : [{ address: hostname, family }],
  }
}

/** `targetOf` that remembers what it has read of which URL; the guard is asked each time. */
export function createTargets(): typeof targetOf {
  const kept = createKept<Target>(MAX_URL_LENGTH)
  return (given, guard) => {
    const known = kept.get(given)
    if (known !== undefined && (guard === undefined || guard.judgeUrl(given).allowed)) return known
    const target = targetOf(given, guard)
    kept.set(given, target)
    return target
  }
}

/**
 * The headers as a flat list of names and values, names in lower case, with `accept-encoding: identity` and, if
 * given, a user agent for requests that name none. Throws for a header that the transport owns and for two spellings of one name.
 */
export function headerList(headers: TransportRequest['headers'], userAgent?: string): string[] {
  const list = ['accept-encoding', 'identity']
  let hasUserAgent = false
  let seen: Set<string> | undefined
  for (const given in headers) {
    const value = headers[given]
    const name = given.toLowerCase()
    if (value === undefined || name === 'accept-encoding') continue
    if (OWNED.has(name)) {
      throw failureError(
        'invalid-request',
        `This request cannot be sent: the header ${name} is set by the transport.`,
      )
    }
    // Object keys differ by themselves; only a second spelling can repeat a name.
    if (name !== given || seen !== undefined) {
      seen ??= new Set(Object.keys(headers).filter((key) => key !== given))
      if (seen.has(name)) {
        throw failureError('invalid-request', 'This request cannot be sent: two headers have the same name.')
      }
      seen.add(name)
    }
    if (name === 'user-agent') hasUserAgent = true
    list.push(name, value)
  }
  if (!hasUserAgent && userAgent !== undefined) list.push('user-agent', userAgent)
  return list
}
