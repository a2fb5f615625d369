/** Addresses and blocks of them, read from texts: one address has one meaning here, however it is spelled. */
import ipaddr from 'ipaddr.js'
import { optionError } from './option-error.ts'
import { parseUrl } from './parse-url.ts'

/** A parsed address of either family. */
export type Ip = ipaddr.IPv4 | ipaddr.IPv6
/** A block of addresses: its first address and the length of its prefix. */
export type Block = readonly [Ip, number]

const NAT64: Block = [ipaddr.IPv6.parse('64:ff9b::'), 96]

/**
 * The address, or null for anything but a plainly written one without a zone. The WHATWG parser brings IPv6 into hexadecimal
 * first: ipaddr.js takes `::8.8.8.8` for `::ffff:8.8.8.8`, and octal and hexadecimal numbers in its IPv4 part.
 */
export function parseAddress(text: unknown): Ip | null {
  if (typeof text !== 'string') return null
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  // The URL parser would drop a tab, and read on after a bracket.
  const parsed = /^[0-9a-f:.]+$/i.test(text) ? parseUrl(`http://[${text}]/`) : null
  return parsed === null ? null : ipaddr.IPv6.parse(parsed.hostname.slice(1, -1))
}

/**
 * A CIDR block, or a single address as a block of one; IPv4 in its v4-mapped spelling is read as IPv4.
 *
 * @throws PosthornError INVALID_OPTION with `path`
 */
export function blockOf(value: unknown, path: string): Block {
  const [address, bits, ...rest] = typeof value === 'string' ? value.split('/') : []
  const ip = rest.length === 0 ? parseAddress(address) : null
  const longest = ip instanceof ipaddr.IPv4 ? 32 : 128
  const length = bits === undefined ? longest : /^(0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : Number.NaN
  if (ip === null || !(length <= longest))
    throw optionError(path, 'must be an address or a block such as `10.0.0.0/8`')
  if (ip instanceof ipaddr.IPv4 || !ip.isIPv4MappedAddress()) return [ip, length]
  const inner = ip.toIPv4Address()
  if (length < 96)
    throw optionError(
      path,
      `spells IPv4 as IPv6 with a length below 96, where it would mean something else: write it as IPv4, \`${inner}/${Math.min(length, 32)}\``,
    )
  return [inner, length - 96]
}

/** The IPv4 address in a NAT64 spelling of it (RFC 6052), or null. */
export function inNat64(ip: ipaddr.IPv6): ipaddr.IPv4 | null {
  return inBlocks(ip, [NAT64]) ? new ipaddr.IPv4(ip.toByteArray().slice(12)) : null
}

/**
 * A block that is to be open. Addresses are judged by what they stand for, so one that holds nothing but NAT64 spellings would open
 * nothing.
 *
 * @throws PosthornError INVALID_OPTION with `path`
 */
export function openBlockOf(value: unknown, path: string): Block {
  const [first, length] = blockOf(value, path)
  const inner = first instanceof ipaddr.IPv6 && length >= NAT64[1] ? inNat64(first) : null
  if (inner === null) return [first, length]
  throw optionError(
    path,
    `spells IPv4 in NAT64: write it as IPv4, \`${inner}/${length - NAT64[1]}\`, which holds for every spelling`,
  )
}

/** True when the address lies in one of the blocks. */
export function inBlocks(ip: Ip, blocks: readonly Block[]): boolean {
  return blocks.some(([first, length]) => first.kind() === ip.kind() && ip.match(first as never, length))
}

/** True when all of `block` lies in one of the blocks. */
export function isWithin([first, length]: Block, blocks: readonly Block[]): boolean {
  return blocks.some((outer) => outer[1] <= length && inBlocks(first, [outer]))
}
