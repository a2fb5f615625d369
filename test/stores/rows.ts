/** Rows for tests of stores: complete, with what the test names changed. */
import type { Next, Outcome } from '../../src/queries.ts'
import type { NewAttempt, NewDelivery, NewEvent, NewSubscription, Work } from '../../src/records.ts'

let serial = 0

/** Where the clock of these tests starts. */
export const START = 1_700_000_000_000

export const next = (prefix: string): string => {
  serial += 1
  return `${prefix}${String(serial).padStart(4, '0')}`
}

export const subscription = (change: Partial<NewSubscription> = {}): NewSubscription => ({
  id: next('sub'),
  tenantId: 't',
  url: 'https://example.test/',
  events: ['*'],
  name: null,
  description: null,
  headers: {},
  metadata: {},
  state: 'active',
  pausedBy: null,
  disabledReason: null,
  disabledAt: null,
  secrets: [{ value: 'whsec_1' }],
  settings: {},
  condition: {},
  ...change,
})

export const event = (change: Partial<NewEvent> = {}): NewEvent => ({
  id: next('evt'),
  tenantId: 't',
  type: 'order.paid',
  body: '{}',
  metadata: {},
  orderingKey: null,
  settings: {},
  test: false,
  skipped: false,
  idempotencyKey: null,
  occurredAt: START,
  ...change,
})

export const delivery = (subscriptionId: string | null): NewDelivery => ({
  id: next('dlv'),
  subscriptionId,
  destination: null,
  body: null,
  headers: null,
  test: false,
  maxAgeMs: 60_000,
})

export const attempt = (outcome: 'succeeded' | 'failed', id = next('att')): NewAttempt => ({
  id,
  trigger: 'event',
  url: 'https://example.test/',
  startedAt: START,
  durationMs: 5,
  outcome,
  status: outcome === 'succeeded' ? 200 : 500,
  failure: null,
  message: null,
  excerpt: null,
  mayHaveBeenReceived: false,
  afterLostClaim: false,
})

export const retry: Next = { state: 'pending', delayMs: 5000, trigger: 'retry' }
export const heldNext = (always: boolean): Next => ({ state: 'held', always, trigger: 'event' })

export const outcome = (
  work: Work,
  to: NewDelivery,
  then: Next,
  made: NewAttempt | null = attempt(then.state === 'succeeded' ? 'succeeded' : 'failed'),
): Outcome => {
  if (work.kind === 'job') throw new Error('a job has no outcome')
  return {
    claim: work.claim,
    tenantId: work.tenantId,
    eventId: work.event.id,
    delivery: to,
    attempt: made,
    next: then,
  }
}
