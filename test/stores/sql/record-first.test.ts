/** The one statement for common outcomes: what it is refused for goes the general way, and nothing else does. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../../src/queries.ts'
import { recordFirst } from '../../../src/stores/sql/record-first.ts'
import type { Session } from '../../../src/stores/sql/session.ts'

const outcome = {
  claim: { row: '[1,"acme","evt_1"]', token: 'token' },
  ...{ tenantId: 'acme', eventId: 'evt_1', next: { state: 'succeeded' } },
  delivery: { id: 'dlv_1', subscriptionId: 'sub_1', destination: null, headers: null, maxAgeMs: 1_000 },
  attempt: { id: 'att_1', startedAt: 1, durationMs: 1 },
} as unknown as Outcome

const recordedBy = (error: object) => {
  const session = {
    dialect: { insertsTogether: true },
    rowsOnce: () => Promise.reject(Object.assign(new Error('a driver says so'), error)),
  }
  return recordFirst(session as unknown as Session, [outcome])
}

it.each(['23505', '40001', '40P01'])(
  'leaves an outcome that it was refused for (%s) to the general way',
  async (code) => {
    expect(await recordedBy({ code })).toEqual([undefined])
  },
)

it.each(['ECONNRESET', '57P01', '42501', 'STORE_FAILED'])(
  'rejects where nobody knows what it did, or where the fault would stay (%s)',
  async (code) => {
    await expect(recordedBy({ code })).rejects.toMatchObject({ code })
  },
)
