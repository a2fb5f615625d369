/**
 * The judge rules on addresses, as a list: what kind of address is this, once a transition format has been unwrapped?
 * ipaddr.js names the ranges; the entries here decide what each of them means and add those that it lacks.
 */
import ipaddr from 'ipaddr.js'
import { type Block, blockOf, type Ip, inBlocks, inNat64, isWithin } from './blocks.ts'
import type { Policy } from './policy.ts'

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
/**
 * Where clouds hand out credentials to whoever asks from inside: link-local, and what some of them chose instead or beside it.
 * Azure's WireServer has a public address; most other ones lie inside shared or unique local networks.
 */
const METADATA = [
  ...['169.254.0.0/16', '168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32', '100.96.0.96/32'],
  ...['fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254/128', 'fd00:42::42/128'],
  // Oracle, Akamai, Alibaba.
  ...['fd00:c1::a9fe:a9fe/128', 'fd00:a9fe:a9fe::1/128', 'fd00:100::100:200/128'],
]
const METADATA_BLOCKS = blocks(...METADATA)

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
  ...METADATA.map((cidr): AddressRule => {
    const block = blocks(cidr)
    return { name: `metadata ${cidr}`, kind: 'metadata', holds: (ip) => inBlocks(ip, block) }
  }),
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
  { name: 'nat64', unwrap: inNat64 },
]

/** Which blocks of `allowCidrs` count for a metadata address: a wide one was meant for the network around it. */
export const opensMetadata = (block: Block): boolean => isWithin(block, METADATA_BLOCKS)

/** What `judgeAddress` goes by. */
export interface AddressJudging {
  /** The address, or null for what is none. */
  readonly parse: (text: unknown) => Ip | null
  readonly address: readonly AddressRule[]
  readonly unwraps: readonly Unwrap[]
  readonly opensMetadata: (block: Block) => boolean
}

/** May this address be dialled? `denied` by `denyCidrs`, `closed` for not being public. `open` lets loopback and private ones pass. */
export function judgeAddress(
  text: unknown,
  open: boolean,
  { allowBlocks, denyBlocks }: Policy,
  rules: AddressJudging,
): 'allowed' | 'denied' | 'closed' {
  const written = rules.parse(text)
  if (written === null) return 'closed'
  const ip = unwrapped(written, rules.unwraps)
  if (inBlocks(ip, denyBlocks) || inBlocks(written, denyBlocks)) return 'denied'
  const kind = rules.address.find((rule) => rule.holds(ip))?.kind ?? 'public'
  if (kind === 'public' || (open && (kind === 'loopback' || kind === 'private'))) return 'allowed'
  const opening = kind === 'metadata' ? allowBlocks.filter(rules.opensMetadata) : allowBlocks
  return inBlocks(ip, opening) ? 'allowed' : 'closed'
}

function unwrapped(ip: Ip, list: readonly Unwrap[]): Ip {
  if (!(ip instanceof ipaddr.IPv6)) return ip
  for (const { unwrap } of list) {
    const inner = unwrap(ip)
    if (inner !== null) return inner
  }
  return ip
}
