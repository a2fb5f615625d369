/** What an operator opens and closes: the options of the address guard, checked once, in the form the rules read. */
import ipaddr from 'ipaddr.js'
import { PosthornError } from '../errors.ts'
import { didYouMean } from '../input/closest.ts'
import { parseUrl } from './parse-url.ts'

/** Settings of the address guard. What is denied wins over what is allowed. */
export interface AddressGuardOptions {
  /** Accept `http://` URLs too. @default false */
  readonly allowHttp?: boolean | undefined
  /**
   * Accept loopback, private and shared networks (RFC 1918, RFC 6598, unique local) and the names used in them
   * (`localhost`, single labels, `.internal` …). Metadata addresses stay refused. @default false
   */
  readonly allowPrivateNetworks?: boolean | undefined
  /** Blocks to accept although they are not public, for example `['127.0.0.0/8', '::1/128']`. @default [] */
  readonly allowCidrs?: readonly string[] | undefined
  /** Blocks to refuse, also where another option allows them. @default [] */
  readonly denyCidrs?: readonly string[] | undefined
  /**
   * Names to accept as `allowPrivateNetworks` would, for example `['localhost', '*.svc.cluster.local']`; `*.` stands
   * for any names below. @default []
   */
  readonly allowHosts?: readonly string[] | undefined
  /** Names to refuse, with all names below them. @default [] */
  readonly denyHosts?: readonly string[] | undefined
  /** Ports to accept besides 80, 443 and 1024 to 65535. @default [] */
  readonly allowPorts?: readonly number[] | undefined
  /** Ports to refuse. @default [] */
  readonly denyPorts?: readonly number[] | undefined
}

/** A parsed address of either family. */
export type Ip = ipaddr.IPv4 | ipaddr.IPv6
/** A block of addresses: its first address and the length of its prefix. */
export type Block = readonly [Ip, number]

/** The options in the form that the rules read. */
export interface Policy {
  readonly allowHttp: boolean
  readonly allowPrivateNetworks: boolean
  readonly allowBlocks: readonly Block[]
  readonly denyBlocks: readonly Block[]
  readonly allowHosts: readonly string[]
  readonly denyHosts: readonly string[]
  readonly allowPorts: readonly number[]
  readonly denyPorts: readonly number[]
}

/** The names of the options, in the order of their documentation. */
export const GUARD_OPTIONS = [
  'allowHttp',
  'allowPrivateNetworks',
  'allowCidrs',
  'denyCidrs',
  'allowHosts',
  'denyHosts',
  'allowPorts',
  'denyPorts',
] as const satisfies readonly (keyof AddressGuardOptions)[]

const refuse = (path: string, message: string) =>
  new PosthornError('INVALID_OPTION', `The option \`${path}\` ${message}.`, { path })

/** @throws PosthornError INVALID_OPTION with the path of the first bad value */
export function policyOf(options: AddressGuardOptions): Policy {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw refuse('guard', 'must be an object')
  for (const key of Object.keys(options))
    if (!(GUARD_OPTIONS as readonly string[]).includes(key))
      throw refuse(key, `is not known.${didYouMean(key, [...GUARD_OPTIONS])}`)
  const flag = (name: 'allowHttp' | 'allowPrivateNetworks') => {
    const value: unknown = options[name] ?? false
    if (typeof value !== 'boolean') throw refuse(name, 'must be true or false')
    return value
  }
  const list = <T>(name: keyof AddressGuardOptions, read: (value: unknown, path: string) => T): T[] => {
    const value: unknown = options[name] ?? []
    if (!Array.isArray(value)) throw refuse(name, 'must be an array')
    return value.map((entry, index) => read(entry, `${name}[${index}]`))
  }
  return {
    allowHttp: flag('allowHttp'),
    allowPrivateNetworks: flag('allowPrivateNetworks'),
    allowBlocks: list('allowCidrs', blockOf),
    denyBlocks: list('denyCidrs', blockOf),
    allowHosts: list('allowHosts', hostPatternOf),
    denyHosts: list('denyHosts', hostPatternOf),
    allowPorts: list('allowPorts', portOf),
    denyPorts: list('denyPorts', portOf),
  }
}

/** A CIDR block, or a single address as a block of one; IPv4 in its IPv6 spelling is read as IPv4. */
export function blockOf(value: unknown, path: string): Block {
  const text = typeof value === 'string' ? value : ''
  const [address = '', bits] = text.split('/')
  const family = ipaddr.IPv4.isValidFourPartDecimal(address) ? 32 : ipaddr.IPv6.isValid(address) ? 128 : 0
  const length = bits === undefined ? family : /^(0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : Number.NaN
  if (family === 0 || text.split('/').length > 2 || text.includes('%') || !(length <= family))
    throw refuse(path, 'must be an address or a block such as `10.0.0.0/8`')
  const ip = ipaddr.parse(address)
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() && length >= 96)
    return [ip.toIPv4Address(), length - 96]
  return [ip, length]
}

function hostPatternOf(value: unknown, path: string): string {
  const text = typeof value === 'string' ? value : ''
  const name = text.startsWith('*.') ? text.slice(2) : text
  const parsed = /^[^\s/?#@:[\]\\%*]+$/.test(name) ? parseUrl(`http://${name}/`) : null
  if (parsed === null) throw refuse(path, 'must be a host name such as `example.com` or `*.example.com`')
  const hostname = parsed.hostname.replace(/\.$/, '')
  return text.startsWith('*.') ? `*.${hostname}` : hostname
}

function portOf(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535)
    throw refuse(path, 'must be a port from 1 to 65535')
  return value
}

/** True when the address lies in one of the blocks. */
export function inBlocks(ip: Ip, blocks: readonly Block[]): boolean {
  return blocks.some(([first, length]) => first.kind() === ip.kind() && ip.match(first as never, length))
}

/** True when the name is one of the patterns; with `below`, or for a pattern `*.name`, also when it is below it. */
export function inHosts(hostname: string, patterns: readonly string[], below = false): boolean {
  return patterns.some((pattern) => {
    const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
    if (hostname === name) return below || name === pattern
    return (below || name !== pattern) && hostname.endsWith(`.${name}`)
  })
}
