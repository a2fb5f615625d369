/**
 * Addresses against others: texts against Node's own reading of them, and verdicts against Python's `ipaddress`. Reduced here;
 * POSTHORN_GUARD_RUNS=100000 makes the long run, with ten times as many addresses of each family.
 */
import { spawnSync } from 'node:child_process'
import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { expect, test } from 'vitest'
import { parseAddress } from '../../src/guard/blocks.ts'
import { addressGuard } from '../../src/guard.ts'
import { corpusCases, ownCases } from './cases.ts'

const RUNS = Number(process.env.POSTHORN_GUARD_RUNS ?? 4_000)
const seeds = [...corpusCases, ...ownCases].map(({ url }) => url)

const written = fc
  .tuple(
    fc.constantFrom(
      '::1.2.3.4',
      '::ffff:1.2.3.4',
      '1:2:3:4:5:6:7:8',
      '64:ff9b::a:b',
      '2606:4700::',
      '1.2.3.4',
      '::',
    ),
    fc.array(
      fc.tuple(fc.nat(20), fc.nat(3), fc.constantFrom(...'0:.%]/f8 x\t'.split(''), '::', '0x', '08', '%1')),
      {
        maxLength: 3,
      },
    ),
  )
  .map(([seed, edits]) =>
    edits.reduce<string>((text, [at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut), seed),
  )

test('a text is an address to the guard exactly where it is one to Node, zones aside, and means the same', () => {
  let addresses = 0
  fc.assert(
    fc.property(written, (text) => {
      const ip = parseAddress(text)
      expect({ text, is: ip !== null }).toEqual({ text, is: !text.includes('%') && isIP(text) > 0 })
      if (ip === null) return
      addresses++
      const same = new BlockList()
      same.addAddress(text, isIP(text) === 4 ? 'ipv4' : 'ipv6')
      expect({ text, same: same.check(ip.toString(), ip.kind()) }).toEqual({ text, same: true })
    }),
    { numRuns: RUNS },
  )
  expect(addresses).toBeGreaterThan(RUNS / 20)
})

/** Refused by us although Python 3.11 calls them global: IANA's special blocks, deprecated forms, what is host-local. */
const STRICTER = [
  ...[
    '192.0.0.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.175.48.0/24',
    '224.0.0.0/4',
  ],
  ...['168.63.129.16/32', '2001::/23', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
].map((block) => ipaddr.parseCIDR(block))
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::')

const EDGES = [...seeds.join(' ').matchAll(/\d+\.\d+\.\d+\.\d+/g)].map(([text]) => text)
const BLOCKS4 = [
  '0.0.0.0',
  '10.0.0.0',
  '100.64.0.0',
  '127.0.0.0',
  '169.254.0.0',
  '172.16.0.0',
  '192.0.0.0',
  '192.0.2.0',
]
  .concat([
    '192.31.196.0',
    '192.52.193.0',
    '192.88.99.0',
    '192.168.0.0',
    '192.175.48.0',
    '198.18.0.0',
    '198.51.100.0',
  ])
  .concat(['203.0.113.0', '224.0.0.0', '240.0.0.0', '168.63.129.16', '255.255.255.255'])
const BLOCKS6 = [
  '::',
  '::ffff:0:0',
  '64:ff9b::',
  '64:ff9b:1::',
  '100::',
  '2000::',
  '2001::',
  '2001:200::',
  '2001:db8::',
].concat([
  '2002::',
  '2003::',
  '2620:4f:8000::',
  '3fff::',
  '3fff:1000::',
  '4000::',
  '5f00::',
  'fc00::',
  'fe80::',
  'fec0::',
  'ff00::',
])

const bytes = (length: number, edges: readonly string[]) =>
  fc.oneof(
    fc.uint8Array({ minLength: length, maxLength: length }).map((all) => [...all]),
    fc
      .tuple(fc.constantFrom(...edges), fc.integer({ min: -3, max: 3 }), fc.nat(length * 8))
      .map(([edge, step, bit]) => {
        const value = ipaddr
          .parse(edge)
          .toByteArray()
          .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
        const moved = (value ^ (step === 0 ? 1n << BigInt(Math.min(bit, length * 8 - 1)) : 0n)) + BigInt(step)
        const wrapped = BigInt.asUintN(length * 8, moved)
        return Array.from({ length }, (_, at) => Number((wrapped >> BigInt((length - 1 - at) * 8)) & 255n))
      }),
  )
const families = [
  ['IPv4', bytes(4, [...BLOCKS4, ...EDGES.filter((edge) => ipaddr.isValid(edge) && !/\b0\d/.test(edge))])],
  ['IPv6', bytes(16, BLOCKS6)],
] as const

const PYTHON = `import sys, ipaddress
for line in sys.stdin: print(int(ipaddress.ip_address(line.strip()).is_global))`
const hasPython = spawnSync('python3', ['-c', 'import ipaddress']).status === 0

/** An address as resolvers write it: c-ares and inet_ntop end v4-mapped and v4-compatible ones with the IPv4 address. */
function asResolved(all: readonly number[]): string {
  const high = all.slice(0, -4)
  const [dotted, isMapped] = [all.slice(-4).join('.'), high[10] === 255 && high[11] === 255]
  if (high.slice(0, 10).some((byte) => byte !== 0)) return ipaddr.fromByteArray([...all]).toString()
  if (isMapped) return `::ffff:${dotted}`
  return high[10] === 0 && high[11] === 0 && (all[12] || all[13])
    ? `::${dotted}`
    : ipaddr.fromByteArray([...all]).toString()
}

/** The IPv4 address that a routed IPv6 spelling stands for. */
function meaning(all: readonly number[]): ipaddr.IPv4 | ipaddr.IPv6 {
  const ip = ipaddr.fromByteArray([...all])
  if (!(ip instanceof ipaddr.IPv6)) return ip
  if (ip.isIPv4MappedAddress()) return ip.toIPv4Address()
  const nat64 = ip.match(ipaddr.IPv6.parse('64:ff9b::'), 96)
  return nat64 ? new ipaddr.IPv4(ip.toByteArray().slice(12)) : ip
}

test.skipIf(!hasPython).each(families)(
  'an %s address is public to us only where Python agrees, and elsewhere the list says why (needs python3)',
  (_family, bytesOf) => {
    const guard = addressGuard()
    const drawn = fc.sample(bytesOf, { numRuns: RUNS * 10 })
    const sample = drawn.map((all) => (all.length === 4 ? all.join('.') : asResolved(all)))
    const judged = drawn.map(meaning)
    const { stdout } = spawnSync('python3', ['-c', PYTHON], {
      input: judged.join('\n'),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    const isGlobal = stdout
      .trim()
      .split('\n')
      .map((line) => line === '1')
    expect(isGlobal).toHaveLength(sample.length)
    const unexplained = sample.filter((text, at) => {
      const ours = guard.judgeAddresses('name.example.com', [text])
      if (ours === isGlobal[at]) return false
      const ip = judged[at]
      if (ours || ip === undefined) return true
      const outside = ip instanceof ipaddr.IPv6 && !ip.match(GLOBAL_UNICAST, 3)
      return (
        !outside &&
        !STRICTER.some(([first, length]) => first.kind() === ip.kind() && ip.match(first as never, length))
      )
    })
    expect(unexplained).toEqual([])
  },
  600_000,
)
