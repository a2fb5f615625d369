/** What becomes the text of a body, and what is refused, by whom and where. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { serialise } from '../../src/delivery/body.ts'
import type { PosthornError } from '../../src/errors.ts'

const KB = 1024
function errorOf(value: unknown, maxBytes = 256 * KB): PosthornError {
  try {
    serialise(value, maxBytes)
  } catch (error) {
    return error as PosthornError
  }
  throw new Error('nothing was thrown')
}
const cyclic: Record<string, unknown> = { a: {} }
cyclic.a = { b: cyclic }
const deep = (levels: number) => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = { v: value }
  return value
}
const secret = 'tok_sEcReT'
const throws = () => {
  throw new Error(secret)
}

describe('a body that JSON can hold', () => {
  test('becomes the text of JSON.stringify', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(serialise(value, 1_000_000).text).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each([null, 0, '', false, [], { a: undefined, b: () => 1 }, '\\ud800', '😀 \\\\ud83d \u2028'])(
    '%j is fine',
    (value) => {
      expect(serialise(value, KB).text).toBe(JSON.stringify(value))
    },
  )

  test('the same object twice is no cycle, and a toJSON is used', () => {
    const shared = { n: 1 }
    const at = new Date(0)
    expect(serialise({ a: shared, b: shared, at }, KB).text).toBe(
      JSON.stringify({ a: shared, b: shared, at }),
    )
  })
})

describe('a body that JSON cannot hold', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['a BigInt', { items: [{ price: 1 }, { price: 12345n }] }, 'items[1].price', /BigInt/],
    ['a BigInt at the root', 12345n, '', /the body itself is a BigInt/],
    ['a cycle', cyclic, 'a.b', /refers back to the body itself/],
    ['a throwing toJSON', { a: [{ toJSON: throws }] }, 'a[0]', /toJSON that throws/],
    ['a throwing getter', Object.defineProperty({}, 'g', { get: throws, enumerable: true }), 'g', /throws/],
    ['a revoked proxy', { p: revoked() }, 'p', /p /],
    ['a revoked proxy at the root', revoked(), '', /throws|body itself/],
    ['an odd key', { 'a b': { ü: 1n } }, '["a b"]["ü"]', /BigInt/],
    ['undefined', undefined, '', /is undefined/],
    ['a function', () => secret, '', /is function/],
    ['a symbol', Symbol(secret), '', /is symbol/],
    ['a toJSON of nothing', { toJSON: () => undefined }, '', /undefined from its toJSON/],
    ['a lone surrogate', { a: ['ok', `${secret}\ud800`] }, 'a[1]', /unpaired surrogate/],
    ['a lone low surrogate', '\udc00', '', /unpaired surrogate/],
    ['a lone surrogate in a key', { a: { '\ud83d': 1 } }, 'a["\\ud83d"]', /unpaired surrogate/],
    ['surrogates the wrong way round', ['\ude00\ud83d'], '[0]', /unpaired surrogate/],
  ])('%s is refused by its place, not its value', (_, value, path, message) => {
    const error = errorOf(value)
    expect(error).toMatchObject({ name: 'PosthornError', code: 'PAYLOAD_NOT_SERIALISABLE', path })
    expect(error.message).toMatch(message)
    expect(error.message).not.toMatch(/12345|tok_/)
  })

  test('a body nested without end is refused', () => {
    const endless = (): object => ({ toJSON: () => ({ next: endless() }) })
    for (const value of [endless(), { a: 1n, b: deep(200_000) }]) {
      expect(errorOf(value, 100_000_000).code).toBe('PAYLOAD_NOT_SERIALISABLE')
    }
  })

  test('every string with a lone surrogate is refused, and no other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', '\\', 'u', 'd800', '\ud83d', '\ude00', '😀', '"')),
        (parts) => {
          const text = parts.join('')
          const wellFormed = !/\p{Surrogate}/u.test(text)
          if (wellFormed) expect(serialise({ text }, KB).text).toBe(JSON.stringify({ text }))
          else expect(errorOf({ text })).toMatchObject({ code: 'PAYLOAD_NOT_SERIALISABLE', path: 'text' })
        },
      ),
    )
  })
})

describe('a body over the limit', () => {
  test('is measured in UTF-8 bytes, to the byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(value))
        expect(serialise(value, bytes).text).toBe(JSON.stringify(value))
        expect(errorOf(value, bytes - 1).code).toBe('PAYLOAD_TOO_LARGE')
      }),
    )
  })

  test('is refused with its size and the limit', () => {
    const error = errorOf({ text: 'é'.repeat(100) }, 128)
    expect(error.code).toBe('PAYLOAD_TOO_LARGE')
    expect(error.message).toMatch(/\b211 bytes.*\b128\b/)
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
