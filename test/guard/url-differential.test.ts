/**
 * URLs against a second parser, written after RFC 3986. Reduced here; POSTHORN_GUARD_RUNS=100000 makes the long run.
 */
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
