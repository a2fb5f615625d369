/** What a try means for its delivery and its subscription. */
import { describe, expect, test } from 'vitest'
import { never, schedule } from '../../src/delivery/backoff.ts'
import { type JudgeContext, judge } from '../../src/delivery/judge.ts'
import { retryAfterMs } from '../../src/delivery/retry-after.ts'
import type { FailureCode, TransportResult } from '../../src/transport.ts'

const timing = { firstByteMs: 1, totalMs: 2 }
const NOW = Date.UTC(1994, 10, 6, 8, 49, 37)

const context = (over: Partial<JudgeContext> = {}): JudgeContext => ({
  policy: schedule(['5s', '5m'], { jitter: 0 }),
  failedInRound: 0,
  nowMs: NOW,
  expiresAt: NOW + 1_000_000_000,
  random: () => 0,
  ...over,
})
const answer = (status: number, headers: Record<string, string> = {}): TransportResult => ({
  kind: 'response',
  status,
  headers,
  excerpt: '',
  truncated: false,
  timing,
})
const noAnswer = (code: FailureCode): TransportResult => ({
  kind: 'failure',
  code,
  message: 'no answer',
  mayHaveBeenReceived: false,
  timing,
})
const pending = (delayMs: number) => ({
  outcome: 'failed',
  next: { state: 'pending', delayMs, trigger: 'retry' },
  disable: false,
})
const failed = (reason: string, disable = false) => ({
  outcome: 'failed',
  next: { state: 'failed', reason },
  disable,
})

describe('judging an answer', () => {
  test.each([200, 201, 202, 204, 299])('%i succeeds', (status) => {
    expect(judge(answer(status, { 'retry-after': '60' }), context())).toEqual({
      outcome: 'succeeded',
      next: { state: 'succeeded' },
      disable: false,
    })
  })

  test.each([300, 301, 304, 308, 400, 401, 403, 404, 409, 422, 429, 500, 503, 599])(
    '%i is tried again',
    (status) => {
      expect(judge(answer(status), context())).toEqual(pending(5_000))
    },
  )

  test('410 ends the delivery and disables the subscription, whatever is left of the schedule', () => {
    expect(judge(answer(410, { 'retry-after': '60' }), context())).toEqual(failed('refused', true))
    expect(judge(answer(410), context({ policy: never }))).toEqual(failed('refused', true))
  })

  test.each<FailureCode>(['dns', 'blocked', 'connect', 'tls', 'timeout', 'reset', 'protocol', 'aborted'])(
    'no answer (%s) is tried again',
    (code) => {
      expect(judge(noAnswer(code), context({ failedInRound: 1 }))).toEqual(pending(300_000))
    },
  )

  test('a request that cannot be made is not tried again', () => {
    expect(judge(noAnswer('invalid-request'), context())).toEqual(failed('refused'))
  })

  test('the failure after the last delay exhausts the schedule', () => {
    expect(judge(answer(500), context({ failedInRound: 1 }))).toEqual(pending(300_000))
    expect(judge(answer(500), context({ failedInRound: 2 }))).toEqual(failed('exhausted'))
    expect(judge(answer(500), context({ policy: never }))).toEqual(failed('exhausted'))
  })

  test('a retry that would come after the expiry expires the delivery now', () => {
    expect(judge(answer(500), context({ expiresAt: NOW + 5_000 }))).toEqual(pending(5_000))
    expect(judge(answer(500), context({ expiresAt: NOW + 4_999 }))).toEqual(failed('expired'))
    const asked = answer(503, { 'retry-after': '60' })
    expect(judge(asked, context({ expiresAt: NOW + 30_000 }))).toEqual(failed('expired'))
  })

  test.each([302, 404, 429, 503])(
    'Retry-After of a %i lengthens the wait and never shortens it',
    (status) => {
      expect(judge(answer(status, { 'retry-after': '60' }), context())).toEqual(pending(60_000))
      expect(judge(answer(status, { 'retry-after': '1' }), context())).toEqual(pending(5_000))
    },
  )
})

describe('reading Retry-After', () => {
  test.each<[string, number | null]>([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sun, 06 Nov 1994 08:50:37 GMT', 60_000],
    ['Sunday, 06-Nov-94 08:50:37 GMT', 60_000],
    ['Sun Nov  6 08:50:37 1994', 60_000],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['120, 60', null],
    ['2099', 2_099_000],
    ['2099-01-01', null],
    ['Sun, 06 Nov 1994 08:50:37', null],
    ['Sun, 99 Nov 1994 08:50:37 GMT', null],
    ['soon', null],
    ['', null],
  ])('%j', (value, expected) => {
    expect(retryAfterMs({ 'retry-after': value }, 503, NOW)).toBe(expected)
  })

  test('is null without the header and for a success', () => {
    expect(retryAfterMs({}, 503, NOW)).toBeNull()
    expect(retryAfterMs({ 'retry-after': '5' }, 202, NOW)).toBeNull()
  })
})
