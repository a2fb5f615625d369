import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_EXCERPT_BYTES } from '../../src/transport.ts'
import { excerptOf } from '../../src/transports/excerpt.ts'

test.each([
  ['plain text', Buffer.from('héllo'), 'héllo'],
  ['nothing', new Uint8Array(0), ''],
  ['NUL', Buffer.from('a\0b'), 'a\uFFFDb'],
  ['a byte order mark', Buffer.from('\uFEFFa'), '\uFEFFa'],
  ['invalid bytes', Buffer.from([0x61, 0xff, 0x62]), 'a\uFFFDb'],
])('keeps %s as clean text', (_what, bytes, text) => {
  expect(excerptOf(bytes, false)).toBe(text)
})

test.each([1, 2, 3])('leaves out a character of which only %i bytes came before the cut', (bytes) => {
  expect(excerptOf(Buffer.from('ok🦊').subarray(0, 2 + bytes), true)).toBe('ok')
})

test('shows a broken character at the end of a whole body', () => {
  expect(excerptOf(Buffer.from('ok🦊').subarray(0, 4), false)).toBe('ok\uFFFD')
})

test('any bytes give text that is well-formed, without NUL, and at most 16 KB', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: MAX_EXCERPT_BYTES + 10, size: 'max' })
  fc.assert(
    fc.property(bytes, fc.boolean(), (body, cut) => {
      const text = excerptOf(body, cut)
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_EXCERPT_BYTES)
      expect(Buffer.from(text).toString()).toBe(text)
      expect(text.includes('\0')).toBe(false)
    }),
    { numRuns: 200 },
  )
})
