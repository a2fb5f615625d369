/**
 * The judge rules on addresses, as a list: what kind of address is this, once a transition format has been unwrapped?
 * ipaddr.js names the ranges; the entries here decide what each of them means and add those that it lacks.
 */
import ipaddr from 'ipaddr.js'
import { type Block, blockOf, type Ip, inBlocks, type Policy } from './policy.ts'

/** `metadata` stays refused when private networks are allowed; `reserved` leads nowhere that a receiver could be. */
export type AddressKind = 'public' | 'loopback' | 'private' | 'metadata' | 'reserved'

/** A named set of addresses that are not public. */
export interface AddressRule {
  readonly name: string
  readonly kind: AddressKind
  readonly holds: (ip: Ip) => boolean
}

/** Takes the IPv4 address out of an IPv6 one that is only another spelling of it; null for any other. */
export interface Unwrap {
  readonly name: string
  readonly unwrap: (ip: ipaddr.IPv6) => ipaddr.IPv4 | null
}

const blocks = (...cidrs: string[]): Block[] => cidrs.map((cidr) => blockOf(cidr, 'address rules'))
const GLOBAL_UNICAST = blocks('2000::/3')
const NAT64 = blocks('64:ff9b::/96')
const METADATA = blocks(
  ...['168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32', '100.96.0.96/32'],
  ...['fd00:ec2::/32', 'fd20:ce::254/128', 'fd00:42::42/128'],
)

/** What ipaddr.js calls a range, as a rule. */
function ranges(kind: AddressKind, family: 'ipv4' | 'ipv6', ...names: string[]): AddressRule[] {
  return names.map((name) => ({
    name: `${family} ${name}`,
    kind,
    holds: (ip) => ip.kind() === family && ip.range() === name,
  }))
}

/** The first rule that holds decides; an address that no rule holds is public. */
export const addressRules: readonly AddressRule[] = [
  // Azure's WireServer has a public address; the other ones lie inside shared or unique local networks.
  { name: 'metadata', kind: 'metadata', holds: (ip) => inBlocks(ip, METADATA) },
  ...ranges('metadata', 'ipv4', 'linkLocal'),
  ...ranges('metadata', 'ipv6', 'linkLocal'),
  ...ranges('loopback', 'ipv4', 'loopback'),
  ...ranges('loopback', 'ipv6', 'loopback'),
  ...ranges('private', 'ipv4', 'private', 'carrierGradeNat'),
  ...ranges('private', 'ipv6', 'uniqueLocal'),
  ...ranges('reserved', 'ipv4', 'unspecified', 'broadcast', 'multicast', 'reserved', 'as112', 'amt'),
  // Among what is outside are the deprecated spellings of IPv4: compatible, translated, ISATAP.
  {
    name: 'ipv6 outside global unicast',
    kind: 'reserved',
    holds: (ip) => ip.kind() === 'ipv6' && !inBlocks(ip, GLOBAL_UNICAST),
  },
  ...ranges('reserved', 'ipv6', 'reserved', '6to4', 'teredo', 'benchmarking', 'amt', 'as112v6'),
  ...ranges('reserved', 'ipv6', 'deprecatedOrchid', 'orchid2', 'droneRemoteIdProtocolEntityTags'),
]

/** The spellings of IPv4 that networks do route. */
export const unwraps: readonly Unwrap[] = [
  { name: 'v4-mapped', unwrap: (ip) => (ip.isIPv4MappedAddress() ? ip.toIPv4Address() : null) },
  {
    name: 'nat64',
    unwrap: (ip) => (inBlocks(ip, NAT64) ? new ipaddr.IPv4(ip.toByteArray().slice(12)) : null),
  },
]

/** The address, or null for anything but a plainly written one without a zone. */
export function parseAddress(text: unknown): Ip | null {
  if (typeof text !== 'string' || text.includes('%')) return null
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null
}

/** True when the address may be dialled. `open` lets loopback and private addresses pass. */
export function admits(
  text: unknown,
  open: boolean,
  policy: Policy,
  rules: { readonly address: readonly AddressRule[]; readonly unwraps: readonly Unwrap[] },
): boolean {
  const written = parseAddress(text)
  if (written === null) return false
  const ip = unwrapped(written, rules.unwraps)
  if (inBlocks(ip, policy.denyBlocks) || inBlocks(written, policy.denyBlocks)) return false
  if (inBlocks(ip, policy.allowBlocks)) return true
  const kind = rules.address.find((rule) => rule.holds(ip))?.kind ?? 'public'
  return kind === 'public' || (open && (kind === 'loopback' || kind === 'private'))
}

function unwrapped(ip: Ip, list: readonly Unwrap[]): Ip {
  if (!(ip instanceof ipaddr.IPv6)) return ip
  for (const { unwrap } of list) {
    const inner = unwrap(ip)
    if (inner !== null) return inner
  }
  return ip
}
