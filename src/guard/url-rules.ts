/**
 * The judge rules that need no look-up, as a list: those on the text of a URL before anything parses it, and those on
 * the parsed URL. Each says no with a sentence that never repeats the URL.
 */
import ipaddr from 'ipaddr.js'
import { inHosts, isHostName } from './hosts.ts'
import type { Policy } from './policy.ts'

/** A URL as it was written, cut at the borders that every parser agrees on. */
export interface WrittenUrl {
  readonly text: string
  /** Lower case. */
  readonly scheme: string
  /** What stands between `://` and the path: user, host, port. */
  readonly authority: string
  /** The host as it was written, in lower case. */
  readonly host: string
}

/** What both kinds of rules look at; `parsed` is what the WHATWG parser made of it. */
export interface JudgedUrl extends WrittenUrl {
  readonly parsed: URL
  /** Lower case, without brackets and without the one trailing dot that is allowed. */
  readonly hostname: string
  /** True when the hostname is an IP address. */
  readonly literal: boolean
  /** The port, also where the URL leaves it out. */
  readonly port: number
}

/** A named rule. `refuses` returns the reason, or null. */
export interface Rule<Subject> {
  readonly name: string
  readonly refuses: (subject: Subject, policy: Policy) => string | null
}

/** Longest URL that is accepted, in characters. */
export const MAX_URL_LENGTH = 2048

/** Before parsing. `new URL` repairs most of what is refused here, and other parsers repair it differently. */
export const textRules: readonly Rule<WrittenUrl>[] = [
  {
    name: 'length',
    refuses: ({ text }) =>
      text.length > MAX_URL_LENGTH
        ? `must have at most ${MAX_URL_LENGTH} characters, not ${text.length}`
        : null,
  },
  {
    name: 'characters',
    refuses: ({ text }) =>
      /[\p{Cc}\p{Surrogate}\s\\]/u.test(text) ? 'has a space, control character or backslash' : null,
  },
  {
    name: 'absolute',
    refuses: ({ scheme, authority }) =>
      scheme === '' || authority === '' ? 'must be absolute, for example https://example.com/webhooks' : null,
  },
  {
    name: 'userinfo',
    refuses: ({ authority }) =>
      authority.includes('@')
        ? 'must not hold a user name or password: send an authorization header with `headers`'
        : null,
  },
  {
    name: 'percent',
    refuses: ({ authority }) =>
      authority.includes('%') ? 'must have its host written plainly, without percent signs' : null,
  },
  {
    name: 'authority',
    refuses: ({ authority }) =>
      /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:[1-9][0-9]{0,4})?$/i.test(authority)
        ? null
        : 'must have a host and, if need be, a port from 1 to 65535',
  },
  {
    name: 'lookalike',
    refuses: ({ host }) =>
      /[\p{Cf}。．｡]/u.test(host) || host.normalize('NFKC') !== host.normalize('NFC')
        ? 'must have its host written plainly, without look-alike characters, or in punycode (`xn--…`)'
        : null,
  },
]

/** Ends of names that never lead to the public internet (RFC 6761, 6762, 7686, 8375, 9476; ICANN on collisions). */
export const LOCAL_NAMES: readonly string[] = [
  ...[
    'localhost',
    'localdomain',
    'localdomain4',
    'localdomain6',
    'test',
    'invalid',
    'local',
    'internal',
    'intranet',
    'private',
    'lan',
    'home',
    'corp',
  ],
  ...['mail', 'workgroup', 'svc', 'onion', 'alt', 'arpa', 'i2p', 'consul'],
]

/** Names that hand out credentials to whoever asks from inside. */
export const METADATA_HOSTS = [
  ...['metadata', 'metadata.google.internal', 'metadata.goog', 'metadata.azure.internal', 'instance-data'],
  ...['instance-data.ec2.internal', 'metadata.platformequinix.com', 'metadata.packet.net'],
  ...['metadata.tencentyun.com', 'api.metadata.cloud.ibm.com'],
]

/** After parsing. */
export const urlRules: readonly Rule<JudgedUrl>[] = [
  {
    name: 'plain host',
    refuses: ({ host, parsed, literal }) =>
      isSameHost(host, parsed.hostname, literal)
        ? null
        : 'must have its host written plainly: an IPv4 address as four decimal numbers',
  },
  {
    name: 'http',
    refuses: ({ scheme }, { allowHttp }) =>
      scheme === 'https' || allowHttp
        ? null
        : 'must be https: in development the option `allowHttp: true` accepts http',
  },
  {
    name: 'port',
    refuses: ({ port }, { allowPorts, denyPorts }) =>
      !denyPorts.includes(port) && (port === 80 || port === 443 || port >= 1024 || allowPorts.includes(port))
        ? null
        : 'has a port that is not allowed: 80, 443 and 1024 to 65535 are, others with `allowPorts`',
  },
  {
    name: 'host syntax',
    refuses: ({ hostname, literal }) =>
      literal || isHostName(hostname) ? null : 'has a host that is no valid name',
  },
  {
    name: 'denied host',
    refuses: ({ hostname }, { denyHosts }) =>
      inHosts(hostname, denyHosts, true) ? 'has a host that is on the list of denied hosts' : null,
  },
  {
    name: 'metadata host',
    refuses: ({ hostname }, { allowHosts }) =>
      METADATA_HOSTS.includes(hostname) && !inHosts(hostname, allowHosts)
        ? 'has a host that is not allowed'
        : null,
  },
  {
    name: 'single label',
    refuses: ({ hostname, literal }, policy) =>
      literal || hostname.includes('.') || opened(hostname, policy) ? null : localName(hostname),
  },
  {
    name: 'reserved suffix',
    refuses: ({ hostname, literal }, policy) =>
      literal || !inHosts(hostname, LOCAL_NAMES, true) || opened(hostname, policy)
        ? null
        : localName(hostname),
  },
]

/** True when an option lets this name lead to private addresses. */
export function opened(hostname: string, { allowPrivateNetworks, allowHosts }: Policy): boolean {
  return allowPrivateNetworks || inHosts(hostname, allowHosts)
}

function localName(hostname: string): string {
  return `has a host that is only known inside a network: if it is yours, the option \`allowHosts: ['${hostname}']\` or \`allowPrivateNetworks: true\` opens it`
}

function isSameHost(written: string, parsed: string, literal: boolean): boolean {
  if (written.startsWith('[')) {
    const inside = written.slice(1, -1)
    return (
      ipaddr.IPv6.isValid(inside) &&
      String(ipaddr.parse(inside)) === String(ipaddr.parse(parsed.slice(1, -1)))
    )
  }
  if (/^[\x21-\x7e]*$/.test(written)) return written === parsed
  return !literal && written.split('.').length === parsed.split('.').length
}
