/** What fields of the same kind take at their border, and refuse beyond it. The list of the fields is `limits.ts`. */
import { exponential, schedule } from '../../src/index.ts'

/** Values by what they are. */
export interface Values {
  readonly takes: Readonly<Record<string, unknown>>
  readonly refuses: Readonly<Record<string, unknown>>
}

const LONE = `a${String.fromCharCode(0xd800)}b`
export const x = (length: number, of = 'x') => of.repeat(length)
export const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => item(n))
const object = (count: number, value: unknown = 'v', key = 'k') =>
  Object.fromEntries(many(count, (n) => [`${key}${n}`, value]))
export const pick = (all: Readonly<Record<string, unknown>>, ...without: string[]) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)))

/** Of the wrong type for anything. */
export const wrong = {
  'a number': 7,
  true: true,
  'an object': { a: 1 },
  'a list': ['a'],
  'a list of null': [null],
}
export const hostileText = { 'a NUL': 'a\0b', 'a lone surrogate': LONE, 'a megabyte': x(1_000_000) }

export function text(min: number, max: number, also: { takes?: object; refuses?: object } = {}): Values {
  return {
    takes: {
      [`${max} characters`]: x(max),
      [`${min} characters`]: x(min),
      'quotes and signs': `' or 1=1 --"<b>%`.slice(0, max),
      ...also.takes,
    },
    refuses: {
      [`${max + 1} characters`]: x(max + 1),
      ...(min > 0 ? { 'an empty text': '' } : {}),
      ...hostileText,
      ...wrong,
      ...also.refuses,
    },
  }
}

export function whole(max: number): Values {
  return {
    takes: { one: 1, [`${max}`]: max },
    refuses: {
      zero: 0,
      'minus one': -1,
      [`${max + 1}`]: max + 1,
      'a fraction': 1.5,
      text: '1',
      ...pick(wrong, 'a number'),
    },
  }
}

export const BOTH = ['create', 'update'] as const
export const ID = {
  takes: { '64 characters': x(64), 'every kind of character': 'aZ09_-' },
  refuses: {
    '65 characters': x(65),
    'an empty text': '',
    'a full stop': 'a.b',
    'a slash': '../b',
    'a letter beyond ASCII': 'é',
    'a line break': 'a\n',
    ...hostileText,
    ...wrong,
  },
}
export const LABELS = {
  takes: {
    'no key': {},
    '50 keys': object(50),
    'a key of 128 characters': { [x(128)]: 'v' },
    'a value of 500': { k: x(500) },
    'an empty value': { k: '' },
    'signs of four bytes': { [x(128, '😀')]: x(500, '😀') },
  },
  refuses: {
    '51 keys': object(51),
    'a key of 129 signs of four bytes': { [x(129, '😀')]: 'v' },
    'a value of 501 such signs': { k: x(501, '😀') },
    'a key of 129 characters': { [x(129)]: 'v' },
    'an empty key': { '': 'v' },
    'a value of 501': { k: x(501) },
    'a value that is a number': { k: 7 },
    'a value that is null': { k: null },
    'a NUL in a value': { k: 'a\0b' },
    'a NUL in a key': { 'a\0b': 'v' },
    'a lone surrogate': { k: LONE },
    ...pick(wrong, 'an object'),
    text: 'k=v',
  },
}
export const URLS = {
  takes: {
    '2048 characters': `https://receiver.example/${x(2_023)}`,
    'a query': 'https://receiver.example/?a=b#c',
  },
  refuses: {
    '2049 characters': `https://receiver.example/${x(2_024)}`,
    'an empty text': '',
    'no scheme': 'receiver.example',
    'another scheme': 'file:///etc/passwd',
    http: 'http://receiver.example/',
    'a user': 'https://user:fake@receiver.example/',
    'a loopback address': 'https://127.0.0.1/',
    'a metadata address': 'https://169.254.169.254/latest',
    'a line break': 'https://receiver.example/\r\nx: y',
    'a space': 'https://receiver.example/ ',
    ...hostileText,
    ...wrong,
  },
}
export const HEADERS = {
  takes: {
    none: {},
    '50 headers': object(50, 'v', 'x-h'),
    'a name of 128 characters': { [`x-${x(126)}`]: 'v' },
    'a value of 4096': { 'x-a': x(4_096) },
    '16384 characters in all': { ...object(3, x(4_092), 'x-h'), 'x-h3': x(4_092) },
    'an empty value': { 'x-a': '' },
  },
  refuses: {
    '51 headers': object(51, 'v', 'x-h'),
    'a name of 129 characters': { [`x-${x(127)}`]: 'v' },
    'a value of 4097': { 'x-a': x(4_097) },
    '16385 characters in all': { ...object(3, x(4_092), 'x-h'), 'x-h3': x(4_093) },
    'an empty name': { '': 'v' },
    'a line break': { 'x-a': 'a\r\nx-b: c' },
    'a letter beyond ASCII': { 'x-a': 'é' },
    'a value that is a number': { 'x-a': 7 },
    'a value that is null': { 'x-a': null },
    'a framing header': { 'content-length': '0' },
    'a header of trust': { 'x-forwarded-for': '::1' },
    'a signature': { 'webhook-signature': 'v1,forged' },
    'a name in two cases': { 'x-a': '1', 'X-A': '2' },
    'a key of every object': JSON.parse('{"__proto__":"v"}'),
    ...pick(wrong, 'an object'),
    text: 'x-a: b',
  },
}
export const SECRETS = {
  takes: { '64 bytes': `whsec_${btoa(x(64))}`, '24 bytes': `whsec_${btoa(x(24))}` },
  refuses: {
    '65 bytes': `whsec_${btoa(x(65))}`,
    '23 bytes': `whsec_${btoa(x(23))}`,
    '256 characters': x(256),
    'an empty text': '',
    'no base64': 'whsec_fake fake',
    ...hostileText,
    ...wrong,
  },
}
export const CHANNELS = {
  takes: { one: ['a'], ten: many(10, (n) => `c${n}`), 'a text of 128': [x(128)] },
  refuses: {
    none: [],
    eleven: many(11, (n) => `c${n}`),
    'a text of 129': [x(129)],
    'an empty text': [''],
    'a NUL': ['a\0b'],
    'a lone surrogate': [LONE],
    ...pick(wrong, 'a list'),
    text: 'a',
  },
}
export const RETRY = {
  takes: {
    never: 'never',
    'no retries': { delaysMs: [], jitter: 0 },
    '100 delays of 7 days': { delaysMs: new Array(100).fill(604_800_000), jitter: 1 },
    'a schedule': schedule(['5s']),
    'an exponential one': exponential({ first: '1s', retries: 3 }),
  },
  refuses: {
    '101 delays': { delaysMs: new Array(101).fill(1), jitter: 0 },
    'a delay over 7 days': { delaysMs: [604_800_001], jitter: 0 },
    'a delay into the past': { delaysMs: [-1], jitter: 0 },
    'jitter over 1': { delaysMs: [], jitter: 1.1 },
    'an unknown key': { delaysMs: [], jitter: 0, forever: true },
    text: 'always',
    ...wrong,
  },
}
