/** Names of hosts, and patterns of them in the options `allowHosts` and `denyHosts`. */
import { parseAddress } from './blocks.ts'
import { optionError } from './option-error.ts'
import { parseUrl } from './parse-url.ts'

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** True for a name that DNS can carry, in lower case and punycode. */
export function isHostName(hostname: string): boolean {
  return hostname.length <= 253 && hostname.split('.').every((label) => LABEL.test(label))
}

/**
 * Reads a pattern as URLs are read: in lower case and punycode, without the dot at its end.
 *
 * @param cidrs The option that takes addresses, which no pattern ever matches
 * @throws PosthornError INVALID_OPTION with `path`
 */
export const hostPatternOf =
  (cidrs: 'allowCidrs' | 'denyCidrs') =>
  (value: unknown, path: string): string => {
    const text = typeof value === 'string' ? value : ''
    const name = text.replace(/^\*\./, '')
    const bare = name.startsWith('.') ? namedBy(name.slice(1)) : null
    if (bare !== null && isHostName(bare))
      throw optionError(path, `begins with a dot: write \`${bare}\`, or \`*.${bare}\` for the names below it`)
    const hostname = namedBy(name)
    if (parseAddress(hostname ?? name.replace(/^\[|\]$/g, '')) !== null)
      throw optionError(path, `must be a host name: addresses are for \`${cidrs}\``)
    if (hostname === null || !isHostName(hostname))
      throw optionError(path, 'must be a host name such as `example.com` or `*.example.com`')
    return name === text ? hostname : `*.${hostname}`
  }

function namedBy(text: string): string | null {
  const parsed = /^[^\s/?#@:[\]\\%*]+$/.test(text) ? parseUrl(`http://${text}/`) : null
  return parsed === null ? null : parsed.hostname.replace(/\.$/, '')
}

/** True when the name is one of the patterns; with `below`, or for a pattern `*.name`, also when it is below it. */
export function inHosts(hostname: string, patterns: readonly string[], below = false): boolean {
  return patterns.some((pattern) => {
    const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
    if (hostname === name) return below || name === pattern
    return (below || name !== pattern) && hostname.endsWith(`.${name}`)
  })
}
