/**
 * The cases that every guard is held to: the corpus of the fixture and our own, which reach where it has none. The
 * mutation check runs exactly these against weakened guards.
 */
import { readFileSync } from 'node:fs'
import type { AddressGuard, AddressGuardOptions } from '../../src/guard.ts'

/** A URL, what its name resolves to, and what is expected of it. */
export interface GuardCase {
  readonly id: string
  readonly url: string
  readonly resolves?: readonly string[]
  readonly options: AddressGuardOptions
  readonly allowed: boolean
  readonly why: string
}

interface CorpusEntry {
  readonly id: string
  readonly class: string
  readonly url: string
  readonly resolves_to?: readonly string[]
  readonly responds?: { readonly status: number; readonly location: string }
  readonly opts?: AddressGuardOptions
  readonly env?: Readonly<Record<string, string>>
  readonly expect: 'allow' | 'deny'
  readonly why: string
}

/** The corpus as it is. */
export const corpus: readonly CorpusEntry[] = JSON.parse(
  readFileSync(new URL('../fixtures/ssrf.json', import.meta.url), 'utf8'),
)

/** The part of the corpus that a judge decides; redirects and proxy variables are the transports' business. */
export const corpusCases: readonly GuardCase[] = corpus
  .filter((entry) => entry.responds === undefined && entry.env === undefined)
  .map((entry) => ({
    id: entry.id,
    url: entry.url,
    ...(entry.resolves_to === undefined ? {} : { resolves: entry.resolves_to }),
    options: { allowHttp: true, ...entry.opts },
    allowed: entry.expect === 'allow',
    why: entry.why,
  }))

const PUBLIC = ['93.184.216.34']
let count = 0
const make =
  (allowed: boolean) =>
  (url: string, why: string, options: AddressGuardOptions = {}, resolves: readonly string[] = PUBLIC) => ({
    id: `own-${++count}`,
    url,
    resolves,
    options: { allowHttp: true, ...options },
    allowed,
    why,
  })
const deny = make(false)
const allow = make(true)
const denied = (address: string, why: string, options: AddressGuardOptions = {}) =>
  deny('https://name.example.com/', why, options, [address])
const admitted = (address: string, why: string, options: AddressGuardOptions = {}) =>
  allow('https://name.example.com/', why, options, [address])

const cidr = (...allowCidrs: string[]) => ({ allowCidrs })
const open = { allowPrivateNetworks: true }

/** Metadata addresses stay refused inside a wide block: it was meant for the network around them. */
const metadataCases: readonly GuardCase[] = [
  denied('169.254.169.254', 'metadata in a block beyond link-local', cidr('169.0.0.0/8')),
  denied('169.254.169.254', 'metadata in a block of everything', cidr('0.0.0.0/0')),
  denied('100.100.100.200', 'Alibaba in the shared network', cidr('100.64.0.0/10')),
  denied('100.96.0.96', 'Huawei in the shared network', cidr('100.64.0.0/10')),
  denied('192.0.0.192', 'Oracle in protocol assignments', cidr('192.0.0.0/24')),
  denied('168.63.129.16', 'WireServer in a public block', cidr('168.0.0.0/6')),
  denied('fe80::1', 'IPv6 link-local in a wider block', cidr('fe00::/7')),
  ...[
    'fd00:ec2::254',
    'fd20:ce::254',
    'fd00:42::42',
    'fd00:c1::a9fe:a9fe',
    'fd00:a9fe:a9fe::1',
    'fd00:100::100:200',
  ].map((ip) => denied(ip, `${ip} in a block of all unique local networks`, cidr('fd00::/8'))),
  denied('::ffff:100.100.100.200', 'the same, mapped', cidr('100.64.0.0/10')),
  admitted('100.100.100.201', 'beside metadata, in the same block', cidr('100.64.0.0/10')),
  admitted('fd00:100::100:201', 'beside metadata, in the same block', cidr('fd00::/8')),
  admitted('100.100.100.200', 'metadata that is allowed by itself', cidr('100.100.100.200')),
  admitted('169.254.170.2', 'metadata in a block of link-local', cidr('169.254.170.0/24')),
  admitted('169.254.169.254', 'metadata in the block of link-local', cidr('169.254.0.0/16')),
  admitted('fd00:ec2::254', 'metadata in its own block', cidr('10.0.0.0/8', 'fd00:ec2::/32')),
]

/** Where the corpus has no case. */
export const ownCases: readonly GuardCase[] = [
  allow('https://example.com.', 'one trailing dot is the same name'),
  deny('https://example.com../', 'two trailing dots are none'),
  deny('https://example.com:/', 'a port that is not there'),
  deny('https://example.com:0443/', 'a padded port: parsers disagree'),
  deny('https://example.com:80a/', 'a port with a letter'),
  deny(`https://example.com/${'x'.repeat(2_030)}`, 'longer than 2048'),
  allow(`https://example.com/${'x'.repeat(2_028)}`, 'exactly 2048'),
  deny('https://example.com/a b', 'a space in the path'),
  deny('https://example.com/\u0000', 'a NUL in the path'),
  deny('https://example.com/\ud800', 'a lone surrogate'),
  deny('https://exam\u00adple.com/', 'a soft hyphen disappears in the host'),
  deny('https://example\u3002com/', 'an ideographic full stop'),
  deny('https://ex\uff41mple.com/', 'a full-width letter'),
  deny('https://\u24d4xample.com/', 'a circled letter'),
  deny('https://ex%61mple.com/', 'a percent sign in the host'),
  deny('https://user:pass@example.com/', 'credentials'),
  deny('https://example.com:443@example.org/', 'a port that is a user name'),
  deny('https://0x5db8d822/', 'a public address, not plainly written'),
  deny('https://93.184.216.034/', 'an octal part'),
  deny('https://93.184.216.34./', 'a trailing dot on an address'),
  allow('https://93.184.216.34/', 'a public address, plainly written'),
  allow('https://[2606:4700:4700:0::1111]/', 'another spelling of a public IPv6 address'),
  deny('https://[2606:4700:4700::1111', 'a bracket that is not closed'),
  deny('https://exa_mple!.com/', 'a sign that no name has'),
  allow('https://exa_mple.com/', 'an underscore, as some hosts have it'),
  deny('https://-example.com/', 'a label that begins with a hyphen'),
  deny('https://example-.com/', 'a label that ends with a hyphen'),
  deny('ws://example.com/', 'another scheme'),
  deny('https:/example.com/', 'one slash'),
  deny('https:////example.com/', 'four slashes'),
  deny('http://example.com/', 'http without the option', { allowHttp: false }),
  ...[
    'localhost',
    'a.localhost',
    'x.localdomain',
    'x.local',
    'x.internal',
    'x.intranet',
    'x.private',
    'x.lan',
  ].map((name) => deny(`https://${name}/`, `${name} is local`)),
  ...[
    'x.home',
    'x.corp',
    'x.workgroup',
    'x.onion',
    'x.alt',
    'x.home.arpa',
    'x.i2p',
    'x.consul',
    'x.LOCAL',
    'x.test',
    'x.invalid',
    'localhost.localdomain4',
    'localhost6.localdomain6',
    'x.mail',
    'kubernetes.default.svc',
  ].map((name) => deny(`https://${name}/`, `${name} is local`)),
  ...['x.example', 'test.example', 'test.com', 'contest', 'x.contest'].map((name) =>
    (name.includes('.') ? allow : deny)(`https://${name}/`, `${name} only looks local`),
  ),
  deny('https://metadata.goog/', 'a metadata name'),
  deny('https://metadata.tencentyun.com/', 'a metadata name'),
  deny('https://api.metadata.cloud.ibm.com/', 'a metadata name'),
  deny('https://metadata.google.internal/', 'a metadata name, private networks or not', open),
  deny('https://router/', 'a single label'),
  deny('https://example.com:1/', 'a low port'),
  deny('https://example.com:1023/', 'the highest low port'),
  allow('https://example.com:1024/', 'the lowest high port'),
  allow('https://example.com:80/', 'port 80 over https'),
  allow('http://example.com:443/', 'port 443 over http'),
  allow('https://example.com:22/', 'an allowed port', { allowPorts: [22] }),
  deny('https://example.com:8080/', 'a denied port', { denyPorts: [8080] }),
  deny('https://example.com:22/', 'denied beats allowed', { allowPorts: [22], denyPorts: [22] }),
  deny('https://example.com/', 'the default port, denied', { denyPorts: [443] }),
  deny('https://example.com/', 'a denied host', { denyHosts: ['example.com'] }),
  deny('https://a.EXAMPLE.com/', 'below a denied host', { denyHosts: ['example.com'] }),
  allow('https://notexample.com/', 'not below a denied host', { denyHosts: ['example.com'] }),
  allow('https://localhost/', 'an allowed host', { allowHosts: ['localhost'] }, ['127.0.0.1', '::1']),
  deny('https://other.localhost/', 'not the allowed host', { allowHosts: ['localhost'] }, ['127.0.0.1']),
  allow('https://a.svc.cluster.local/', 'below an allowed host', { allowHosts: ['*.cluster.local'] }, [
    '10.0.0.1',
  ]),
  deny('https://cluster.local/', 'not below it', { allowHosts: ['*.cluster.local'] }, ['10.0.0.1']),
  deny('https://db.internal/', 'an allowed host at a metadata address', { allowHosts: ['db.internal'] }, [
    '169.254.169.254',
  ]),
  deny('https://db.internal/', 'allowed and denied', {
    allowHosts: ['db.internal'],
    denyHosts: ['internal'],
  }),
  ...['0.0.0.1', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.16.0.1', '172.31.255.255'].map(
    (ip) => denied(ip, `${ip} is not public`),
  ),
  ...[
    '192.0.0.9',
    '192.0.2.1',
    '192.31.196.1',
    '192.52.193.1',
    '192.88.99.1',
    '192.168.0.1',
    '192.175.48.1',
  ].map((ip) => denied(ip, `${ip} is not public`)),
  ...['198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1'].map((ip) =>
    denied(ip, `${ip} is not public`),
  ),
  ...['255.255.255.255', '168.63.129.16', '::', '::1', '::7f00:1', '::ffff:0:7f00:1', '64:ff9b:1::1'].map(
    (ip) => denied(ip, `${ip} is not public`),
  ),
  ...['100::1', '2001::1', '2001:2::1', '2001:db8::1', '2002:5db8:d822::', '2620:4f:8000::1', '3fff::1'].map(
    (ip) => denied(ip, `${ip} is not public`),
  ),
  ...['4000::1', '5f00::1', 'fc00::1', 'fe80::1', 'fec0::1', 'ff02::1', '::ffff:10.0.0.1'].map((ip) =>
    denied(ip, `${ip} is not public`),
  ),
  ...['64:ff9b::a00:1', '::5efe:7f00:1', '0127.0.0.1', '127.1', '0x7f.0.0.1', '2130706433', '', 'x'].map(
    (ip) => denied(ip, `the answer ${JSON.stringify(ip)} is no public address`),
  ),
  ...[
    '::8.8.8.8',
    '::ffff:08.8.8.8',
    '::ffff:0x8.8.8.8',
    '::ffff:8.8.8',
    '::1]/[::8',
    ' 8.8.8.8',
    '8.8.8.8\n',
  ].map((ip) => denied(ip, `the answer ${JSON.stringify(ip)} is no public address`)),
  denied('2606:4700::1%eth0', 'a zone'),
  ...['8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.255.255', '172.32.0.1', '192.0.1.1'].map((ip) =>
    admitted(ip, `${ip} is public`),
  ),
  ...['2606:4700::1', '2001:200::1', '2003::1', '3ffe::1', '64:ff9b::808:808', '::ffff:8.8.8.8'].map((ip) =>
    admitted(ip, `${ip} is public`),
  ),
  ...['64:ff9b::8.8.8.8', '2606:4700::8.8.8.8', '::FFFF:808:808', '2606:4700:0:0:0:0:0:1'].map((ip) =>
    admitted(ip, `${ip} is public`),
  ),
  deny('https://name.example.com/', 'the last answer is private', {}, [...PUBLIC, '10.0.0.1']),
  deny('https://name.example.com/', 'the first answer is private', {}, ['10.0.0.1', ...PUBLIC]),
  deny('https://name.example.com/', 'no answer', {}, []),
  admitted('10.1.2.3', 'inside an allowed block', cidr('10.1.0.0/16')),
  denied('10.2.2.3', 'outside the allowed block', cidr('10.1.0.0/16')),
  admitted('64:ff9b::a01:203', 'NAT64 of an allowed address', cidr('10.1.0.0/16')),
  admitted('10.1.2.3', 'a block in its mapped spelling', cidr('::ffff:10.1.0.0/112')),
  admitted('127.0.0.1', 'a single address as block', cidr('127.0.0.1')),
  denied('127.0.0.2', 'beside a single address', cidr('127.0.0.1')),
  admitted('fd00::5', 'an allowed IPv6 block', cidr('fd00::/8')),
  denied('fd00::5', 'an IPv4 block says nothing of IPv6', cidr('0.0.0.0/0')),
  denied(
    '::10.1.0.1',
    'the v4-compatible spelling of an allowed address, which is another one',
    cidr('10.1.0.0/16'),
  ),
  denied('10.1.0.1', 'an address beside a v4-compatible block', cidr('::10.0.0.0/104')),
  ...metadataCases,
  denied('8.8.8.8', 'a denied block', { denyCidrs: ['8.8.8.0/24'] }),
  denied('::ffff:8.8.8.8', 'a denied block, mapped', { denyCidrs: ['8.8.8.0/24'] }),
  denied('64:ff9b::808:808', 'the spelling itself denied', { denyCidrs: ['64:ff9b::/96'] }),
  denied('10.1.2.3', 'denied beats allowed', { allowCidrs: ['10.0.0.0/8'], denyCidrs: ['10.1.0.0/16'] }),
  denied('10.1.2.3', 'denied beats private networks', { ...open, denyCidrs: ['10.1.0.0/16'] }),
  ...[
    '10.1.2.3',
    '127.0.0.1',
    '192.168.1.1',
    '172.20.0.1',
    '100.64.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
  ].map((ip) => admitted(ip, `${ip} with private networks`, open)),
  ...['169.254.169.254', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fe80::1', '0.0.0.0', '::'].map(
    (ip) => denied(ip, `${ip}, private networks or not`, open),
  ),
  ...['fd00:c1::a9fe:a9fe', 'fd00:a9fe:a9fe::1', 'fd00:100::100:200'].map((ip) =>
    denied(ip, `${ip}, private networks or not`, open),
  ),
  ...[
    '192.0.2.1',
    '224.0.0.1',
    '240.0.0.1',
    '2001:db8::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
  ].map((ip) => denied(ip, `${ip}, private networks or not`, open)),
  allow('https://redis/', 'a single label with private networks', open, ['10.0.0.9']),
  allow('https://a.internal/', 'a local name with private networks', open, ['10.0.0.9']),
  deny('http://169.254.169.254/', 'literal metadata, private networks or not', open),
  allow('http://127.0.0.1:3000/', 'literal loopback with private networks', open),
  allow('http://127.0.0.1:3000/', 'literal loopback in an allowed block', cidr('127.0.0.0/8')),
]

/** What a guard makes of a case. A literal address must be judged without asking `resolve`. */
export async function judged(guard: AddressGuard, { url, resolves }: GuardCase): Promise<boolean> {
  const verdict = await guard.judge(url, { resolve: () => resolves ?? [] })
  return verdict.allowed
}
