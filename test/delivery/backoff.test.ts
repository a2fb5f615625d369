/** Retry schedules: how they are written, checked and walked. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defaultRetry,
  exponential,
  never,
  nextDelayMs,
  parseRetry,
  type RetryPolicy,
  schedule,
} from '../../src/delivery/backoff.ts'
import { parseDuration } from '../../src/input/duration.ts'

const low = () => 0
const high = () => 1 - Number.EPSILON
const DAY = 86_400_000
const invalid = (path: string) => expect.objectContaining({ code: 'INVALID_OPTION', path })

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  delaysMs: fc.array(fc.integer({ min: 0, max: 7 * DAY }), { maxLength: 20 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
})

describe('writing a schedule', () => {
  test('the default takes about three days', () => {
    expect(defaultRetry.delaysMs.map((ms) => ms / 1000)).toEqual([
      5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ])
    expect(defaultRetry.jitter).toBe(0.2)
  })

  test('delays are milliseconds or texts with a unit', () => {
    const policy = schedule([0, '500ms', '5s', '2m', '1.5h', '1d'], { jitter: 0 })
    expect(policy).toEqual({ delaysMs: [0, 500, 5_000, 120_000, 5_400_000, DAY], jitter: 0 })
    expect(schedule(['0s']).jitter).toBe(0.2)
  })

  test('exponential waits grow by their factor up to the ceiling', () => {
    expect(exponential({ first: '1s', retries: 3 }).delaysMs).toEqual([1000, 2000, 4000])
    expect(exponential({ first: 10, factor: 10, max: 500, retries: 4, jitter: 0.5 })).toEqual({
      delaysMs: [10, 100, 500, 500],
      jitter: 0.5,
    })
    expect(exponential({ first: 0, factor: 1e300, retries: 3 }).delaysMs).toEqual([0, 0, 0])
    expect(exponential({ first: 1, factor: 1e300, max: '1m', retries: 3 }).delaysMs).toEqual([
      1, 60_000, 60_000,
    ])
  })

  test.each(['5', '5 s', '-5s', '5S', '', '1e3s', 's', '5w', -1, Number.NaN, Infinity, null, {}])(
    '%j is no duration',
    (value) => {
      expect(() => parseDuration(value, 'here')).toThrow(invalid('here'))
      expect(() => schedule(['1s', value as never])).toThrow(invalid('delays[1]'))
    },
  )

  test('what cannot be meant is refused by name', () => {
    expect(() => schedule('5s' as never)).toThrow(invalid('delays'))
    expect(() => schedule(['8d'])).toThrow(invalid('delays[0]'))
    expect(() => schedule([], { jitter: 2 })).toThrow(invalid('jitter'))
    expect(() => schedule([], { jiter: 1 } as never)).toThrow(/Did you mean "jitter"/)
    expect(() => exponential({ first: 1, retries: 101 })).toThrow(invalid('retries'))
    expect(() => exponential({ first: 1, retries: 1.5 })).toThrow(invalid('retries'))
    expect(() => exponential({ first: 1, retries: 1, factor: 0.5 })).toThrow(invalid('factor'))
    expect(() => exponential({ firstMs: 1, retries: 1 } as never)).toThrow(/Did you mean "first"/)
    expect(() => exponential(undefined as never)).toThrow(invalid('options'))
    expect(() => exponential({ first: '2d', max: '1d', retries: 1 })).toThrow(
      expect.objectContaining({ code: 'CONTRADICTORY_OPTIONS' }),
    )
  })
})

describe('reading a stored policy', () => {
  test('every policy comes back from JSON as it was', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const stored = JSON.parse(JSON.stringify(policy)) as RetryPolicy
        expect(parseRetry(stored)).toEqual(stored)
      }),
    )
    for (const policy of [defaultRetry, never]) expect(parseRetry(policy)).toEqual(policy)
  })

  test.each<[unknown, string]>([
    [null, 'retry'],
    ['5s', 'retry'],
    [[], 'retry'],
    [{ jitter: 0 }, 'retry.delaysMs'],
    [{ delaysMs: [], jitter: '0' }, 'retry.jitter'],
    [{ delaysMs: [] }, 'retry.jitter'],
    [{ delaysMs: [], jitter: Number.NaN }, 'retry.jitter'],
    [{ delaysMs: [1, '2s'], jitter: 0 }, 'retry.delaysMs[1]'],
    [{ delaysMs: [1.5], jitter: 0 }, 'retry.delaysMs[0]'],
    [{ delaysMs: [-1], jitter: 0 }, 'retry.delaysMs[0]'],
    [{ delaysMs: [7 * DAY + 1], jitter: 0 }, 'retry.delaysMs[0]'],
    [{ delaysMs: new Array(1), jitter: 0 }, 'retry.delaysMs[0]'],
    [{ delaysMs: new Array(101).fill(1), jitter: 0 }, 'retry.delaysMs'],
    [{ delaysMs: [], jitter: 0, max: 1 }, 'retry.max'],
  ])('refuses %j at %s', (value, path) => {
    expect(() => parseRetry(value)).toThrow(invalid(path))
  })
})

describe('walking a schedule', () => {
  const policy = schedule(['5s', '5m'], { jitter: 0.2 })

  test('each failure takes the next delay, until none is left', () => {
    expect([1, 2, 3].map((failed) => nextDelayMs(policy, failed, low, null))).toEqual([5_000, 300_000, null])
    expect(nextDelayMs(never, 1, low, 5_000)).toBeNull()
  })

  test('jitter only ever lengthens', () => {
    expect(nextDelayMs(policy, 1, high, null)).toBe(6_000)
    fc.assert(
      fc.property(policies, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (any, chance) => {
        const delay = nextDelayMs(any, 1, () => chance, null)
        const own = any.delaysMs[0]
        if (own === undefined) return delay === null
        return delay !== null && delay >= own && delay <= Math.round(own * (1 + any.jitter))
      }),
    )
  })

  test('Retry-After counts between the own delay and 24 hours, and is jittered too', () => {
    expect(nextDelayMs(policy, 1, low, 1_000)).toBe(5_000)
    expect(nextDelayMs(policy, 1, low, 60_000)).toBe(60_000)
    expect(nextDelayMs(policy, 1, high, 60_000)).toBe(72_000)
    expect(nextDelayMs(policy, 1, low, Number.MAX_SAFE_INTEGER)).toBe(DAY)
    expect(nextDelayMs(schedule(['7d'], { jitter: 0 }), 1, low, 2 * DAY)).toBe(7 * DAY)
    expect(nextDelayMs(policy, 3, low, 60_000)).toBeNull()
  })
})
