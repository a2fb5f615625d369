/** Rows that somebody has written past the door: which column holds what, and what becomes of the work they stand for. */

/** One bad value in one column. */
export interface BadRow {
  readonly what: string
  readonly column: string
  readonly value: string | number | null
  /** Set aside at once; or it takes no event any more, and a problem is told; or each attempt is blocked; or it waits. */
  readonly comes: 'quarantined' | 'to nothing' | 'blocked' | 'held'
}

const bad = (
  comes: BadRow['comes'],
  column: string,
  values: Readonly<Record<string, string | number | null>>,
) => Object.entries(values).map(([what, value]): BadRow => ({ what, column, value, comes }))

const json = (value: unknown) => JSON.stringify(value)
const texts = (count: number) =>
  json(Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, 'v'])))
const secret = (fields: object) => json([{ value: 'x', createdAt: 0, expiresAt: null, ...fields }])
const NO_JSON = { 'text that is no JSON': '{"fake', 'an empty text': '' }
const NO_OBJECT = { ...NO_JSON, 'JSON null': 'null', 'a list': '["x"]', 'a number': '7' }

const LABELS = {
  '51 labels': texts(51),
  'a key of 129 characters': json({ ['x'.repeat(129)]: 'v' }),
  'a value of 501 characters': json({ k: 'x'.repeat(501) }),
}

/** Settings that the door refuses, by name. */
const settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  signing: {
    'of no known scheme': [{ spec: { scheme: 'rot13' }, until: null }],
    'as text': 'hmac',
    'of nothing': [null],
    'of none': [],
  },
  retry: {
    'as text': 'often',
    'of 101 delays': { delaysMs: new Array(101).fill(1), jitter: 0 },
    'into the past': { delaysMs: [-5], jitter: 0 },
    'of an unknown key': { delaysMs: [], jitter: 0, forever: true },
  },
  rate: {
    'as text': 'fast',
    'of nothing per nothing': { count: 0, perMs: 0 },
    'below zero': { count: -1, perMs: 1_000 },
    'over the most': { count: 1_000_001, perMs: 1 },
  },
  concurrency: { 'as text': '3', 'of zero': 0, 'below zero': -1, 'over the most': 10_001 },
  ordering: { 'of no known kind': 'fifo', 'as a list': ['key'] },
  onGivenUp: { 'of no known kind': 'halt' },
  version: { 'as a number': 5, 'of 65 characters': 'v'.repeat(65) },
  channels: { 'as text': 'eu', 'of eleven': Array.from({ length: 11 }, (_, n) => `c${n}`).concat('wanted') },
}

/** Columns of a subscription. */
export const badSubscriptions: readonly BadRow[] = [
  ...bad('blocked', 'url', {
    'of another scheme': 'ftp://bad.example/',
    'that is empty': '',
    'that leads inside': 'https://10.0.0.1/bad',
    'of 2049 characters': `https://bad.example/${'x'.repeat(2029)}`,
    'with a line break': 'https://bad.example/\r\nx-forged: 1',
    'with a user': 'https://user:fake@bad.example/',
  }),
  ...bad('quarantined', 'headers', {
    ...NO_OBJECT,
    'a value that is no text': '{"x-a":5}',
    'a framing header': '{"host":"inside"}',
    'a signature': '{"webhook-signature":"v1,forged"}',
    'a line break': json({ 'x-a': 'a\r\nx-forged: 1' }),
    'a value of 4097 characters': json({ 'x-a': 'v'.repeat(4_097) }),
    '51 headers': texts(51),
    'one name twice': '{"x-a":"1","X-A":"2"}',
  }),
  ...bad('quarantined', 'secrets', {
    ...NO_JSON,
    'JSON null': 'null',
    'none for a scheme that needs one': '[]',
    'a text in place of an entry': '["x"]',
    'one that the scheme cannot use': secret({}),
    'one that is no text': secret({ value: 7 }),
    'no end': json([{ value: 'x', createdAt: 0 }]),
  }),
  ...bad('quarantined', 'name', {
    'of 256 characters': 'x'.repeat(256),
    'of a megabyte': 'x'.repeat(1_000_000),
  }),
  ...bad('quarantined', 'description', {
    'of 1001 characters': 'x'.repeat(1_001),
    'of a megabyte': 'x'.repeat(1_000_000),
  }),
  ...bad('quarantined', 'metadata', { ...NO_OBJECT, ...LABELS }),
  ...bad('quarantined', 'settings', NO_OBJECT),
  ...bad('quarantined', 'conditions', NO_OBJECT),
  ...bad('held', 'state', { 'of no known kind': 'asleep', 'that is empty': '' }),
  ...bad('to nothing', 'events', {
    ...NO_JSON,
    'JSON null': 'null',
    'a list of numbers': '[5]',
    'a text': '"*"',
  }),
  ...bad('to nothing', 'settings', {
    'with a filter of an unknown path': json({ filter: { bogus: 1 } }),
    'with a filter that is a text': json({ filter: 'all' }),
  }),
  ...Object.entries(settings).flatMap(([name, values]) =>
    bad(
      'quarantined',
      'settings',
      Object.fromEntries(
        Object.entries(values).map(([what, value]) => [`${name} ${what}`, json({ [name]: value })]),
      ),
    ),
  ),
]

/** Columns of an event that waits to be fanned out. */
export const badEvents: readonly BadRow[] = [
  ...bad('quarantined', 'metadata', { ...NO_OBJECT, ...LABELS }),
  ...bad('quarantined', 'settings', {
    ...NO_OBJECT,
    'with a retry policy as text': '{"retry":"often"}',
    'with a retry policy into the past': '{"retry":{"delaysMs":[-1],"jitter":0}}',
  }),
  ...bad('quarantined', 'type', {
    'with a line break': 'a\r\nx-forged: 1',
    'of 129 characters': 'x'.repeat(129),
  }),
  ...bad('quarantined', 'body', { 'over the most that any sender takes': `"${'x'.repeat(1_048_577)}"` }),
]

/** Columns of a delivery that waits for a retry. */
export const badDeliveries: readonly BadRow[] = bad('quarantined', 'headers', {
  ...NO_OBJECT,
  'a value that is no text': '{"x-a":5}',
  'a framing header': '{"transfer-encoding":"chunked"}',
  'a header of trust': '{"x-forwarded-for":"127.0.0.1"}',
  'a line break': json({ 'x-a': 'a\r\nb' }),
  '51 headers': texts(51),
})

/** The destination of a delivery that was published with `to`. */
export const badDestinations: readonly BadRow[] = bad('quarantined', 'destination', {
  ...NO_OBJECT,
  'no URL': '{"secret":null,"headers":{}}',
  'a secret that is no text': '{"url":"https://bad.example/","secret":7,"headers":{}}',
  'no headers': '{"url":"https://bad.example/","secret":null}',
  'a framing header': '{"url":"https://bad.example/","secret":null,"headers":{"host":"inside"}}',
  'a secret that no scheme can use': '{"url":"https://bad.example/","secret":"x","headers":{}}',
})
