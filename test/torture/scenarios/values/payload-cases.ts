/** Payloads that senders of webhooks have stumbled over, made afresh for every store, because some of them can be read only once. */

/** A payload by name. */
export type PayloadCase = readonly [name: string, make: () => unknown]

const HIGH = String.fromCharCode(0xd83d)
const LOW = String.fromCharCode(0xde00)

const TEXTS: Readonly<Record<string, string>> = {
  empty: '',
  NUL: 'a\0b',
  'only NUL': '\0',
  'all control characters': String.fromCharCode(...Array(32).keys()),
  DEL: '\x7f',
  'a byte order mark': '\ufeff{}',
  'line and paragraph separators': '\u2028\u2029',
  'a lone high surrogate': HIGH,
  'a lone low surrogate': LOW,
  'surrogates the wrong way round': LOW + HIGH,
  'an emoji': HIGH + LOW,
  'an emoji of four people': '👨‍👩‍👧‍👦',
  'composed é': '\u00e9',
  'decomposed é': 'e\u0301',
  'right to left': '\u202eabc\u202c',
  'a non-character': '\uffff',
  'the replacement character': '\ufffd',
  'an escaped NUL': '\\u0000',
  'an escaped surrogate': ['\\u', 'd800'].join(''),
  quotes: `'"\`''""`,
  backslashes: '\\\\\\',
  SQL: "'; drop table events; --",
  placeholders: '$1 ? :name {rows w: id text} %s',
  HTML: '</script><!--',
  CRLF: 'a\r\nb',
  tabs: '\t\v\f',
  spaces: '   ',
  'JSON in a text': '{"a":1}',
  '100,000 characters': 'x'.repeat(100_000),
  '50,000 of two bytes': 'é'.repeat(50_000),
}

const NUMBERS: readonly number[] = [
  ...[
    0,
    -0,
    1,
    -1,
    0.1,
    1e21,
    1e-7,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    5e-324,
    Number.MAX_VALUE,
  ],
  ...[2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), Number('9007199254740993'), 123456789012345680000, 1 / 3],
]

const KEYS: readonly string[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'valueOf', 'then'],
  ...['', ' ', '0', '01', '-1', '4294967295', 'a.b', '$ref', '\0', '\ufeff', 'é', 'e\u0301', HIGH, LOW],
]

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const throws = (): never => {
  throw new Error('a getter of the host')
}
const cyclic = (): object => {
  const one: Record<string, unknown> = { a: {} }
  one.a = { b: one }
  return one
}
const deep = (levels: number, list: boolean): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = list ? [value] : { v: value }
  return value
}
const once = (): object => {
  let reads = 0
  return {
    n: 1,
    get again() {
      reads += 1
      return reads
    },
  }
}

const OBJECTS: Readonly<Record<string, () => unknown>> = {
  'an empty object': () => ({}),
  'an empty list': () => [],
  null: () => null,
  true: () => true,
  false: () => false,
  undefined: () => undefined,
  'a function': () => () => 1,
  'a symbol': () => Symbol('s'),
  'a BigInt': () => 1n,
  'a BigInt inside': () => ({ a: [1n] }),
  'a date': () => new Date(0),
  'a date that is none': () => new Date(Number.NaN),
  'a map': () => new Map([[1, 2]]),
  'a set': () => new Set([1]),
  'a weak map': () => new WeakMap(),
  'a regular expression': () => /a/g,
  'an error': () => new Error('e'),
  'a buffer': () => Buffer.from('é'),
  bytes: () => new Uint8Array([1, 2]),
  'an array buffer': () => new ArrayBuffer(4),
  'big bytes': () => new BigInt64Array(1),
  'a promise': () => Promise.resolve(1),
  'a boxed text': () => Object('x'),
  'a boxed number': () => Object(1),
  'a sparse list': () => Object.assign([1], { 2: 3 }),
  'a list with undefined': () => [undefined, () => 1, Symbol('s')],
  'undefined in an object': () => ({ a: undefined, b: () => 1 }),
  'no prototype': () => Object.assign(Object.create(null), { a: 1 }),
  'an own __proto__': () => JSON.parse('{"__proto__":{"polluted":true},"a":1}'),
  'constructor.prototype': () => JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
  'duplicate keys as parsed': () => JSON.parse('{"a":1,"a":2}'),
  'integer-like keys in another order': () => JSON.parse('{"b":1,"10":2,"9":3,"a":4,"01":5}'),
  'non-enumerable': () => Object.defineProperty({ a: 1 }, 'b', { value: 2 }),
  'a getter': () => ({
    get a() {
      return 1
    },
  }),
  'a getter that throws': () => ({
    get a() {
      return throws()
    },
  }),
  'a getter that counts': once,
  'a toJSON': () => ({ toJSON: () => ({ a: 1 }) }),
  'a toJSON of nothing': () => ({ toJSON: () => undefined }),
  'a toJSON that throws': () => ({ a: { toJSON: throws } }),
  'a toJSON that is no function': () => ({ toJSON: 1 }),
  'a toJSON that changes its owner': () => {
    const owner: Record<string, unknown> = { a: { toJSON: () => Object.assign(owner, { b: 2 }).b } }
    return owner
  },
  'a then that throws': () => Object.defineProperty({}, 'then', { get: throws, enumerable: true }),
  'a proxy': () => new Proxy({ a: 1 }, {}),
  'a proxy that throws': () => new Proxy({ a: 1 }, { ownKeys: throws }),
  'a revoked proxy': revoked,
  'a revoked proxy inside': () => ({ a: [revoked()] }),
  'a cycle': cyclic,
  'a cycle in a list': () => {
    const list: unknown[] = []
    list.push(list)
    return list
  },
  'the same object twice': () => {
    const shared = { n: 1 }
    return [shared, shared, { shared }]
  },
  frozen: () => Object.freeze({ a: Object.freeze([1]) }),
  'an object 500 deep': () => deep(500, false),
  'a list 500 deep': () => deep(500, true),
  'an object 10,000 deep': () => deep(10_000, false),
  'a list 10,000 deep': () => deep(10_000, true),
  'an object 200,000 deep': () => deep(200_000, false),
  '10,000 keys': () => Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, at])),
  '50,000 zeros': () => new Array(50_000).fill(0),
}

/** Texts of an exact size in bytes around the largest body: what is around the text in the body is `besides` bytes long. */
function sizes(limit: number, besides: number): PayloadCase[] {
  return [-1, 0, 1].flatMap((more): PayloadCase[] => [
    [`a body of ${limit + more} bytes`, () => 'x'.repeat(limit + more - besides)],
    [
      `a body of ${limit + more} bytes of UTF-8`,
      () => `${'é'.repeat((limit - 1_001 - besides) / 2)}${'x'.repeat(1_001 + more)}`,
    ],
  ])
}

/** All of them. `limit` is the largest body, `besides` how many bytes of a body are not its data. */
export function payloadCases(limit: number, besides: number): readonly PayloadCase[] {
  return [
    ...Object.entries(TEXTS).map(([name, text]): PayloadCase => [`text: ${name}`, () => text]),
    ...Object.entries(TEXTS).map(
      ([name, text]): PayloadCase => [`text inside: ${name}`, () => ({ a: [text] })],
    ),
    ...NUMBERS.map((number): PayloadCase => [`number: ${number}`, () => ({ number, list: [number] })]),
    ...KEYS.map(
      (key): PayloadCase => [
        `key: ${JSON.stringify(key)}`,
        () => Object.fromEntries([[key, { [`${key}2`]: 1 }]]),
      ],
    ),
    ...Object.entries(OBJECTS),
    ...sizes(limit, besides + 2),
  ]
}
