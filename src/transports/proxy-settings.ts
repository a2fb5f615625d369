/** The forward proxy that an operator may set, read from its URL. */
import { PosthornError } from '../errors.ts'
import { parseUrl } from '../guard/parse-url.ts'

/** A forward proxy. */
export interface ForwardProxy {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  /** The value of `proxy-authorization`, or null. */
  readonly authorization: string | null
}

/** @throws PosthornError INVALID_OPTION for anything but an http(s) URL without a path */
export function proxyOf(url: unknown): ForwardProxy {
  const parsed = typeof url === 'string' ? parseUrl(url) : null
  const secure = parsed?.protocol === 'https:'
  if (parsed === null || !(secure || parsed.protocol === 'http:') || parsed.pathname !== '/')
    throw new PosthornError(
      'INVALID_OPTION',
      'The option `proxy` must be the URL of a forward proxy, for example `http://user:password@proxy.example.com:3128`.',
      { path: 'proxy' },
    )
  const { hostname, port, username, password } = parsed
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    secure,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    authorization: username === '' ? null : `Basic ${btoa(credentials)}`,
  }
}
