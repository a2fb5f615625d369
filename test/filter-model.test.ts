/** Filters against a plain model of their meaning: random ones, and texts made to hurt regular expressions. */
import { describe, expect, it } from 'vitest'
import { type Filter, matchesFilter } from '../src/filter.ts'
import { chance, HOSTILE_PATTERNS, model, randomData, randomFilter } from './support/filter-model.ts'

describe('filters', () => {
  it('mean what the plain model means, 10,000 at random', () => {
    const random = chance(53)
    let taken = 0
    for (let round = 0; round < 10_000; round++) {
      const filter = randomFilter(random, 3) as Filter
      const subject = {
        type: random.pick(['a', 'ab', 'order.paid']),
        metadata: { a: random.pick(['a', '1', '']) },
        data: random.whole(20) === 0 ? undefined : randomData(random, 3),
      }
      const expected = model(filter as Record<string, unknown>, subject)
      if (matchesFilter(filter, subject) !== expected) expect({ filter, subject, expected }).toBe('equal')
      if (expected) taken += 1
    }
    expect(taken).toBeGreaterThan(1_000)
    expect(taken).toBeLessThan(9_000)
  })

  it('take texts made to hurt regular expressions as the texts they are', () => {
    for (const pattern of HOSTILE_PATTERNS) {
      for (const text of ['a'.repeat(250_000), `${'a'.repeat(250_000)}!`, pattern]) {
        const event = { type: 'a', data: { text } }
        expect(matchesFilter({ 'data.text': { prefix: pattern } }, event)).toBe(text === pattern)
        expect(matchesFilter({ 'data.text': { suffix: pattern } }, event)).toBe(text === pattern)
        expect(matchesFilter({ 'data.text': pattern }, event)).toBe(text === pattern)
      }
    }
  })
})
