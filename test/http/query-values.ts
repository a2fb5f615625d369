/**
 * What each parameter of a query takes at its border and refuses beyond it, as raw text of a URL. A parameter of the route table
 * without an entry fails the tests.
 */

/** Values of one parameter; a list stands for a parameter that is repeated. */
export interface QueryValues {
  readonly takes: Readonly<Record<string, string | readonly string[]>>
  readonly refuses: Readonly<Record<string, string | readonly string[]>>
}

const x = (length: number) => 'x'.repeat(length)
const NUL = 'a\0b'

/** Refused by whatever is neither free text nor a list. */
const never = {
  'an empty text': '',
  'a NUL': NUL,
  'a line break': 'a\r\nb',
  'an SQL text': `' or 1=1 --`,
  'a million characters': x(1_000_000),
  'a sign of four bytes': '\u{1F4EF}',
  'a broken escape': '%zz',
  'JSON of an object': '{"$gt":""}',
}

const id: QueryValues = {
  takes: {
    'one character': 'x',
    '255 characters': x(255),
    'an SQL text': `' or 1=1 --`,
    'an SQL pattern': '%_\\',
    'a prototype’s name': '__proto__',
    'a sign of four bytes': '\u{1F4EF}',
  },
  refuses: {
    'an empty text': '',
    '256 characters': x(256),
    'a million characters': x(1_000_000),
    'a NUL': NUL,
    'a line break': 'a\nb',
    'two of them': ['a', 'b'],
  },
}

const choice = (...words: string[]): QueryValues => ({
  takes: Object.fromEntries(words.map((word) => [word, word])),
  refuses: {
    ...never,
    'another word': 'asleep',
    'another case': (words[0] ?? '').toUpperCase(),
    'a space behind': `${words[0]} `,
    'a prototype’s name': '__proto__',
    'two of them': [words[0] ?? '', words[1] ?? ''],
    'the same twice': [words[0] ?? '', words[0] ?? ''],
  },
})

const instant: QueryValues = {
  takes: {
    'a second': '2026-01-01T00:00:00Z',
    'an offset': '2026-01-01T00:00:00.123+05:30',
    'the first of all': '0000-01-01T00:00:00Z',
    'the last of all': '9999-12-31T23:59:59.999Z',
  },
  refuses: {
    ...never,
    'no time': '2026-01-01',
    'no offset': '2026-01-01T00:00:00',
    'a day that is none': '2026-02-30T00:00:00Z',
    'an hour that is none': '2026-01-01T25:00:00Z',
    'a year of five digits': '12026-01-01T00:00:00Z',
    milliseconds: '1767225600000',
    'two of them': ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  },
}

/** By the parameter's name. */
export const queryValues: Readonly<Record<string, QueryValues>> = {
  limit: {
    takes: { one: '1', most: '1000', 'zeros before': '0001' },
    refuses: {
      ...never,
      zero: '0',
      'minus one': '-1',
      'minus zero': '-0',
      'over the most': '1001',
      'a fraction': '1.5',
      'an exponent': '1e2',
      hexadecimal: '0x10',
      'a space': ' 1',
      'over what is exact': '9007199254740993',
      'twenty digits': '99999999999999999999',
      NaN: 'NaN',
      'digits of another script': '\u0661',
      'two of them': ['1', '2'],
    },
  },
  cursor: {
    takes: {},
    refuses: {
      ...never,
      'somebody’s own': btoa('{"at":0}'),
      'an instant beyond all': btoa(JSON.stringify([1e300, 'x', 0])),
      '1024 characters': x(1_024),
      '1025 characters': x(1_025),
      'two of them': ['x', 'y'],
    },
  },
  total: {
    takes: { true: 'true', false: 'false' },
    refuses: { ...never, one: '1', 'another case': 'TRUE', 'two of them': ['true', 'false'] },
  },
  since: instant,
  until: instant,
  type: id,
  eventType: id,
  subscriptionId: id,
  eventId: id,
  deliveryId: id,
  subscription: {
    takes: { 'one character': 'x', '64 characters': x(64) },
    refuses: { ...id.refuses },
  },
  state: choice('pending', 'failed'),
  bucket: choice('hour', 'day'),
  metadata: {
    takes: {},
    refuses: { ...never, text: 'k=v', 'two of them': ['a', 'b'] },
  },
  'metadata[key]': {
    takes: { 'an empty value': '', 'a value of 500': x(500), 'an SQL text': `' or 1=1 --` },
    refuses: { 'a value of 501': x(501), 'two of them': ['a', 'b'] },
  },
  tenantId: {
    takes: { 'one character': 'x', '255 characters': x(255), 'an SQL text': `' or 1=1 --` },
    refuses: { ...id.refuses },
  },
}

/** What no route has a place for, whatever it stands for elsewhere. */
export const UNKNOWN = [
  'offset=0',
  'offset=-1',
  'Limit=1',
  'limit[]=1',
  'limit[a]=1',
  'limit%00=1',
  'cursor[a][b]=1',
  '__proto__=1',
  '__proto__[limit]=1',
  'constructor[prototype][limit]=1',
  'toString=1',
  'metadata[]=1',
  'tenantIds=a',
  'tenant=a',
  '=1',
  '%FF%FE=1',
  `${x(10_000)}=1`,
]
