/** The filter language: what each operator means, what is refused and where, and that no filter is slow. */
import { describe, expect, it } from 'vitest'
import { type Filter, matchesFilter } from '../src/filter.ts'

const event = {
  type: 'order.paid',
  metadata: { region: 'eu', 'a.b': 'dotted' },
  data: {
    ...{ total: 250, currency: 'EUR', paid: true, note: null, empty: '' },
    customer: { id: 'c_1', tags: ['vip', 'new'] },
    items: [{ sku: 'A1', count: 2 }],
  },
}
const takes = (filter: unknown, of: object = event) => matchesFilter(filter as Filter, of as typeof event)

describe('a filter', () => {
  it.each<[unknown, boolean]>([
    [{}, true],
    [{ type: 'order.paid' }, true],
    [{ type: { prefix: 'order.' } }, true],
    [{ 'metadata.region': 'eu' }, true],
    [{ 'metadata.a.b': 'dotted' }, true],
    [{ 'metadata.constructor': { exists: true } }, false],
    [{ 'data.total': 250 }, true],
    [{ 'data.total': '250' }, false],
    [{ 'data.total': { eq: 250, ne: 251 } }, true],
    [{ 'data.none': { ne: 1 } }, true],
    [{ 'data.none': { eq: null } }, false],
    [{ 'data.note': { eq: null } }, true],
    [{ 'data.note': { exists: true } }, true],
    [{ 'data.none': { exists: false } }, true],
    [{ 'data.none.deeper': { exists: true } }, false],
    [{ 'data.toString': { exists: true } }, false],
    [{ 'data.__proto__': { exists: true } }, false],
    [{ 'data.currency.length': { exists: true } }, false],
    [{ 'data.currency': { in: ['USD', 'EUR'] } }, true],
    [{ 'data.currency': { nin: ['USD', 'EUR'] } }, false],
    [{ 'data.none': { nin: [1] } }, true],
    [{ 'data.total': { gt: 249, lt: 251 } }, true],
    [{ 'data.total': { gte: 250, lte: 250 } }, true],
    [{ 'data.total': { gt: '1' } }, false],
    [{ 'data.currency': { gt: 'EUA' } }, true],
    [{ 'data.paid': { gt: 0 } }, false],
    [{ 'data.currency': { prefix: 'EU', suffix: 'R' } }, true],
    [{ 'data.total': { prefix: '2' } }, false],
    [{ 'data.empty': { prefix: '' } }, true],
    [{ 'data.customer.tags.0': 'vip' }, true],
    [{ 'data.customer.tags.length': { exists: true } }, false],
    [{ 'data.items.0.count': { gte: 2 } }, true],
    [{ 'data.items.00.count': { exists: true } }, false],
    [{ 'data.customer': { eq: 'c_1' } }, false],
    [{ or: [{ 'data.total': 1 }, { type: 'order.paid' }] }, true],
    [{ and: [{ 'data.total': 1 }, { type: 'order.paid' }] }, false],
    [{ not: { 'data.total': 1 } }, true],
    [{ type: 'order.paid', not: { 'metadata.region': 'eu' } }, false],
  ])('%j takes the event: %s', (filter, expected) => {
    expect(takes(filter)).toBe(expected)
  })

  it('looks at data that is no object, and at none', () => {
    expect(takes({ data: 5 }, { type: 'a', data: 5 })).toBe(true)
    expect(takes({ data: { exists: false } }, { type: 'a' })).toBe(true)
    expect(takes({ 'data.0': 'x' }, { type: 'a', data: ['x'] })).toBe(true)
  })

  const nested = (levels: number): unknown => (levels === 1 ? { type: 'a' } : { not: nested(levels - 1) })
  it.each([
    [null, 'filter'],
    [[], 'filter'],
    ['type', 'filter'],
    [{ 'dat.total': 1 }, 'filter.dat.total'],
    [{ $and: [] }, 'filter.$and'],
    [{ 'data.': 1 }, 'filter.data.'],
    [{ 'data..x': 1 }, 'filter.data..x'],
    [{ 'metadata.': 'x' }, 'filter.metadata.'],
    [{ metadata: 'x' }, 'filter.metadata'],
    [{ 'data.total': {} }, 'filter.data.total'],
    [{ 'data.total': { gte: true } }, 'filter.data.total.gte'],
    [{ 'data.total': { gte: Number.NaN } }, 'filter.data.total.gte'],
    [{ 'data.total': { regex: '(a+)+' } }, 'filter.data.total.regex'],
    [{ 'data.total': { eq: { a: 1 } } }, 'filter.data.total.eq'],
    [{ 'data.total': undefined }, 'filter.data.total'],
    [{ 'data.total': [1] }, 'filter.data.total'],
    [{ 'data.total': { in: [] } }, 'filter.data.total.in'],
    [{ 'data.total': { in: [1, [2]] } }, 'filter.data.total.in[1]'],
    [{ 'data.total': { in: Array(101).fill(1) } }, 'filter.data.total.in'],
    [{ 'data.total': { exists: 1 } }, 'filter.data.total.exists'],
    [{ 'data.total': { prefix: 5 } }, 'filter.data.total.prefix'],
    [{ 'data.total': 'x'.repeat(1001) }, 'filter.data.total'],
    [{ 'data.total': 'a\0' }, 'filter.data.total'],
    [{ and: [{}, { 'data.amount': { gte: null } }] }, 'filter.and[1].data.amount.gte'],
    [{ or: [] }, 'filter.or'],
    [{ not: 5 }, 'filter.not'],
    [{ [`data${'.a'.repeat(17)}`]: 1 }, `filter.data${'.a'.repeat(17)}`],
    [nested(9), `filter${'.not'.repeat(8)}`],
  ])('is refused where it is wrong: %j', (filter, path) => {
    expect(() => takes(filter)).toThrow(expect.objectContaining({ code: 'INVALID_FILTER', path }))
  })

  it('may reach its bounds, and not pass them', () => {
    const conditions = (count: number) => ({
      or: Array.from({ length: count }, (_, n) => ({ 'data.total': n })),
    })
    expect(takes(nested(8))).toBe(true)
    expect(takes(conditions(100))).toBe(false)
    expect(() => takes({ ...conditions(100), type: 'a' })).toThrow(
      expect.objectContaining({ code: 'INVALID_FILTER' }),
    )
    expect(takes({ 'data.currency': { ne: 'x'.repeat(1000) } })).toBe(true)
    const texts = (count: number) => ({ 'data.currency': { nin: Array(count).fill('x'.repeat(1000)) } })
    expect(takes(texts(16))).toBe(true)
    expect(() => takes(texts(17))).toThrow(expect.objectContaining({ code: 'INVALID_FILTER' }))
  })

  it('says what was probably meant', () => {
    expect(() => takes({ 'data.total': { gtee: 1 } })).toThrow(/did you mean.*gte/i)
  })
})
