/**
 * The guard against others: URLs against a second parser, written after RFC 3986, and addresses against Python's
 * `ipaddress`. Reduced here; POSTHORN_GUARD_RUNS=100000 (URLs) and ten times as many addresses of
 * each family make the long run.
 */
import { spawnSync } from 'node:child_process'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { expect, test } from 'vitest'
import { addressGuard } from '../../src/guard.ts'
import { targetOf } from '../../src/transports/request-head.ts'
import { corpusCases, ownCases } from './cases.ts'

const RUNS = Number(process.env.POSTHORN_GUARD_RUNS ?? 4_000)

/** RFC 3986, appendix B for the parts and section 3.2 for the authority; null for what it does not describe. */
function secondParser(url: string): { scheme: string; host: string; port: number } | null {
  const [, scheme = '', authority = ''] = /^([^:/?#]+):\/\/([^/?#]*)/.exec(url) ?? []
  const known = { http: 80, https: 443 }[scheme.toLowerCase()]
  const afterUser = authority.slice(authority.lastIndexOf('@') + 1)
  const [, literal, name, port] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|((?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}|[^\0-\x7f])*))(?::(\d*))?$/.exec(
      afterUser,
    ) ?? []
  if (known === undefined || (literal === undefined && !name)) return null
  const ascii =
    literal ?? (/^[\0-\x7f]*$/.test(name ?? '') ? (name ?? '').toLowerCase() : domainToASCII(name ?? ''))
  return { scheme: scheme.toLowerCase(), host: ascii, port: port ? Number(port) : known }
}

const pieces = [
  ...[
    '@',
    ':',
    '/',
    '\\',
    '?',
    '#',
    '%',
    '.',
    '..',
    '[',
    ']',
    ' ',
    '\t',
    '\n',
    '\r',
    '\0',
    '%00',
    '%2f',
    '%40',
    '%2e',
  ],
  ...[
    '\u3002',
    '\uff0e',
    '\uff61',
    '\u200b',
    '\u00ad',
    '\ufeff',
    '\u212a',
    '\u017f',
    'ß',
    '١',
    '０',
    '𝟏',
    '‮',
    'é',
  ],
  ...[
    '127.0.0.1',
    '0x7f',
    '0177',
    '2130706433',
    '[::1]',
    '::1',
    '%25lo',
    'localhost',
    '.internal',
    '.local',
    'xn--',
  ],
  ...[
    ':80',
    ':443',
    ':0',
    ':65536',
    ':080',
    '//',
    '///',
    'http://',
    'https:',
    '@127.0.0.1',
    '#@',
    '?@',
    '-',
    '_',
    '*',
  ],
]
const seeds = [...corpusCases, ...ownCases].map(({ url }) => url)

const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(80), fc.nat(4), fc.constantFrom(...pieces)), { minLength: 0, maxLength: 3 }),
  )
  .map(([seed, edits]) =>
    edits.reduce((url, [at, cut, piece]) => url.slice(0, at) + piece + url.slice(at + cut), seed),
  )

test('a URL that is allowed means the same host to every parser, to the pool, to Host and to SNI', async () => {
  const guard = addressGuard({ allowHttp: true })
  let allowed = 0
  await fc.assert(
    fc.asyncProperty(mutated, async (url) => {
      const asked: string[] = []
      const resolve = (hostname: string) => {
        asked.push(hostname)
        return ['93.184.216.34']
      }
      const verdict = await guard.judge(url, { resolve })
      if (!verdict.allowed) return
      allowed++
      const written = guard.judgeUrl(url)
      const hostname = written.allowed ? written.hostname : ''
      const target = targetOf(url, guard)
      const second = secondParser(url)
      expect(target.hostname).toBe(hostname)
      expect(asked).toEqual(target.literal === null ? [hostname] : [])
      const { host, port, scheme } = second ?? { host: '', port: 0, scheme: '' }
      const same = ipaddr.isValid(host)
        ? String(ipaddr.parse(host)) === String(ipaddr.parse(hostname))
        : host.replace(/\.$/, '') === hostname
      expect({ url, host, same }).toEqual({ url, host, same: true })
      const origin = new URL(target.origin)
      expect(origin.hostname.replace(/^\[|\]$/g, '')).toBe(hostname)
      expect(`${scheme}:`).toBe(origin.protocol)
      expect(port).toBe(Number(origin.port || { 'http:': 80, 'https:': 443 }[origin.protocol]))
    }),
    { numRuns: RUNS },
  )
  expect(allowed).toBeGreaterThan(RUNS / 20)
}, 600_000)

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

/** The IPv4 address that a routed IPv6 spelling stands for. */
function meaning(text: string): ipaddr.IPv4 | ipaddr.IPv6 {
  const ip = ipaddr.parse(text)
  if (!(ip instanceof ipaddr.IPv6)) return ip
  if (ip.isIPv4MappedAddress()) return ip.toIPv4Address()
  const nat64 = ip.match(ipaddr.IPv6.parse('64:ff9b::'), 96)
  return nat64 ? new ipaddr.IPv4(ip.toByteArray().slice(12)) : ip
}

test.skipIf(!hasPython).each(families)(
  'an %s address is public to us only where Python agrees, and elsewhere the list says why (needs python3)',
  (_family, bytesOf) => {
    const guard = addressGuard()
    const addresses = bytesOf.map((all) => ipaddr.fromByteArray(all).toString())
    const sample = fc.sample(addresses, { numRuns: RUNS * 10 })
    const judged = sample.map(meaning)
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
