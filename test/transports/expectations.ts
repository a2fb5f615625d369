/** What each mode of the evil receiver must come to, whichever transport sends. */

/** An answer; what is left out is not looked at. */
interface ExpectedResponse {
  readonly status: number
  readonly excerpt?: string
  readonly truncated?: boolean
}

/** A failure after the request was written: every mode answers a request, so the receiver may have seen it. */
interface ExpectedFailure {
  readonly code: 'timeout' | 'reset' | 'protocol'
  readonly status?: number
}

/** What is expected of one mode. */
export interface Expectation {
  readonly mode: string
  readonly expected: ExpectedResponse | ExpectedFailure
  /** Why the runtime's own fetch does otherwise, and what it does; nothing there: there is no such case. */
  readonly overFetch?: readonly [why: string, expected?: ExpectedResponse | ExpectedFailure]
}

const whole = (mode: string, status: number, excerpt: string): Expectation => ({
  mode,
  expected: { status, excerpt, truncated: false },
})
const cut = (mode: string, excerpt?: string): Expectation => ({
  mode,
  expected: { status: 200, truncated: true, ...(excerpt === undefined ? undefined : { excerpt }) },
})
const compressed = (mode: string): Expectation => ({
  mode,
  expected: { status: 200 },
  overFetch: [
    'fetch would decompress, so the body stays unread',
    { status: 200, excerpt: '', truncated: true },
  ],
})
const fails = (mode: string, code: ExpectedFailure['code'], status?: number): Expectation => ({
  mode,
  expected: { code, ...(status === undefined ? undefined : { status }) },
})
const differsOverFetch = (
  { mode, expected }: Expectation,
  ...overFetch: NonNullable<Expectation['overFetch']>
): Expectation => ({ mode, expected, overFetch })

const FFFD = '\uFFFD'

/** Tests 32 to 38 of the reliability plan, as far as a request reaches the receiver. */
export const expectations: readonly Expectation[] = [
  whole('ok', 200, 'fine'),
  whole('no-content', 204, ''),
  whole('not-modified', 304, ''),
  whole('server-error', 503, 'broken'),
  whole('gone', 410, ''),
  whole('redirect', 302, ''),
  whole('redirect-308', 308, ''),
  whole('until-close', 200, 'old style'),
  whole('connection-close', 200, 'last'),

  fails('silent', 'timeout'),
  fails('headers-drip', 'timeout'),
  fails('headers-endless', 'protocol'),
  whole('informational-few', 200, 'ok'),
  differsOverFetch(fails('informational-endless', 'protocol'), 'fetch counts no 1xx; the deadline does', {
    code: 'timeout',
  }),
  fails('continue-unasked', 'protocol'),
  fails('switching-protocols', 'protocol'),
  fails('body-drip', 'timeout', 200),
  fails('body-stall', 'timeout', 200),
  fails('headers-then-nothing', 'timeout', 200),

  cut('endless-chunks', 'd'.repeat(16_384)),
  cut('endless-tiny-chunks', 'd'.repeat(16_384)),
  cut('ten-gigabytes', 'e'.repeat(16_384)),
  whole('exactly-16k', 200, 'f'.repeat(16_384)),
  cut('just-over-16k', 'f'.repeat(16_384)),
  cut('cut-character', 'g'.repeat(16_383)),
  cut('100-kilobytes', 'h'.repeat(16_384)),
  compressed('gzip-bomb'),
  compressed('double-gzip-bomb'),
  compressed('brotli-bomb'),
  {
    mode: 'hundred-encodings',
    expected: { status: 200 },
    overFetch: ['fetch refuses more than five encodings, from some version of Node on'],
  },
  whole('length-too-short', 200, 'hello'),
  fails('length-too-long', 'reset', 200),
  fails('length-too-long-close', 'reset', 200),
  fails('length-negative', 'protocol'),
  fails('length-twice', 'protocol'),
  fails('length-word', 'protocol'),
  fails('length-and-chunked', 'protocol'),
  fails('header-64k', 'protocol'),
  whole('headers-1000', 200, 'ok'),
  fails('megabyte-line', 'protocol'),
  differsOverFetch(fails('reason-endless', 'protocol'), 'fetch counts no bytes of a status line', {
    code: 'timeout',
  }),

  fails('http-0.9', 'protocol'),
  fails('h2-preface', 'protocol'),
  fails('h2-settings', 'protocol'),
  fails('tls-alert', 'protocol'),
  fails('status-000', 'protocol'),
  fails('status-099', 'protocol'),
  fails('status-600', 'protocol', 600),
  fails('status-999', 'protocol', 999),
  fails('status-glued', 'protocol'),
  fails('nul-in-header', 'protocol'),
  fails('bare-lf', 'protocol'),
  fails('chunk-minus-one', 'protocol', 200),
  whole('invalid-utf8', 200, `a${FFFD}${FFFD}${FFFD}b`),
  whole('lone-surrogate', 200, `a${FFFD}${FFFD}${FFFD}b`),
  // U+FFFD takes three bytes: 16 KB of text are a third of the characters.
  whole('all-invalid', 200, FFFD.repeat(Math.floor(16_384 / 3))),
  whole('two-answers', 200, 'ok'),

  fails('reset-on-request-line', 'reset'),
  fails('reset-in-request-body', 'reset'),
  fails('reset-after-request', 'reset'),
  fails('close-after-request', 'reset'),
  fails('reset-in-headers', 'reset'),
  fails('reset-after-headers', 'reset', 200),
  fails('reset-in-body', 'reset', 200),
  fails('cut-in-chunks', 'reset', 200),
]
