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

/** Never with what was given, nor with a cause: either would show the password. */
const refuse = (message: string) =>
  new PosthornError('INVALID_OPTION', `The option \`proxy\` ${message}.`, { path: 'proxy' })

/** @throws PosthornError INVALID_OPTION for anything but an http(s) URL without a path, with credentials that can be sent */
export function proxyOf(url: unknown): ForwardProxy {
  const parsed = typeof url === 'string' ? parseUrl(url) : null
  const secure = parsed?.protocol === 'https:'
  if (parsed === null || !(secure || parsed.protocol === 'http:') || parsed.pathname !== '/')
    throw refuse(
      'must be the URL of a forward proxy, for example `http://user:password@proxy.example.com:3128`',
    )
  const { hostname, port } = parsed
  return {
    secure,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    authorization: authorizationOf(parsed),
  }
}

/** Basic credentials (RFC 7617) in UTF-8, the one encoding that a proxy can ask for. */
function authorizationOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return null
  const user = decoded(username)
  if (user.includes(':')) throw refuse('has a user name with a colon, where its password would begin')
  const bytes = new TextEncoder().encode(`${user}:${decoded(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse('has a user name or password with a percent sign that encodes nothing: write it as `%25`')
  }
}
