/** The bench of one conformance case: a store, its clock, and short words for what every case does. Asserts only its own steps. */
import assert from 'node:assert/strict'
import type { AppendOptions, Claimed, ClaimRequest, Next, Outcome, Recorded } from '../../queries.ts'
import type {
  DeliveryRecord,
  DeliveryWork,
  EventRecord,
  EventWork,
  NewAttempt,
  NewDelivery,
  NewEvent,
  NewSubscription,
  SubscriptionRecord,
} from '../../records.ts'
import type { Store } from '../../store.ts'
import type { ManualClock } from '../manual-clock.ts'
import { apart } from './apart.ts'
import type { StoreUnderTest, TestTransaction } from './case.ts'

/** The tenant of a case that needs only one. */
export const TENANT = 'acme'
/** The subscription of a case that needs only one. */
export const SUBSCRIPTION = 'sub-a'
/** Lease of every claim, unless a case says otherwise. */
export const LEASE_MS = 30_000

/** What differs from the lab's usual outcome. */
export interface OutcomeParts {
  readonly subscriptionId?: string | null
  readonly delivery?: Partial<NewDelivery>
  /** Null: no request was made. */
  readonly attempt?: Partial<NewAttempt> | null
  /** In place of the work's own token. */
  readonly token?: string
}

/** What differs from the lab's usual delivery. */
export interface DeliveryParts extends OutcomeParts {
  readonly event?: Partial<NewEvent>
  /** @default pending, due at once, after a failed attempt */
  readonly next?: Next
}

/** Due at once. */
export const dueNow: Next = { state: 'pending', delayMs: 0, trigger: 'retry' }
/** Held until released, whatever the subscription's state. */
export const heldAlways: Next = { state: 'held', always: true, trigger: 'event' }
/** Succeeded. */
export const succeeded: Next = { state: 'succeeded' }
/** Failed for good. */
export const exhausted: Next = { state: 'failed', reason: 'exhausted' }

/** See the file's header. */
export type Lab = ReturnType<typeof createLab>

/** Sets the bench up on an opened store. */
export function createLab(underTest: StoreUnderTest) {
  const store: Store<unknown> = apart(underTest.store)
  let counter = 0
  const unique = (prefix: string) => `${prefix}-${String(++counter).padStart(5, '0')}`

  function event(parts: Partial<NewEvent> = {}): NewEvent {
    return {
      id: unique('evt'),
      tenantId: TENANT,
      type: 'order.paid',
      body: '{"n":1}',
      metadata: {},
      orderingKey: null,
      settings: {},
      test: false,
      skipped: false,
      idempotencyKey: null,
      occurredAt: 1_700_000_000_000,
      ...parts,
    }
  }

  function subscription(parts: Partial<NewSubscription> = {}): NewSubscription {
    return {
      id: SUBSCRIPTION,
      tenantId: TENANT,
      url: 'https://receiver.test/hook',
      events: ['*'],
      name: null,
      description: null,
      headers: {},
      metadata: {},
      state: 'active',
      pausedBy: null,
      disabledReason: null,
      disabledAt: null,
      secrets: [{ value: 'whsec_first' }],
      settings: {},
      condition: {},
      ...parts,
    }
  }

  function newDelivery(parts: Partial<NewDelivery> = {}): NewDelivery {
    return {
      id: unique('dlv'),
      subscriptionId: SUBSCRIPTION,
      destination: null,
      body: null,
      headers: null,
      test: false,
      maxAgeMs: 86_400_000,
      ...parts,
    }
  }

  async function attempt(parts: Partial<NewAttempt> = {}): Promise<NewAttempt> {
    return {
      id: unique('att'),
      trigger: 'event',
      url: 'https://receiver.test/hook',
      startedAt: await store.now(),
      durationMs: 5,
      outcome: 'succeeded',
      status: 200,
      failure: null,
      message: null,
      excerpt: null,
      mayHaveBeenReceived: true,
      afterLostClaim: false,
      ...parts,
    }
  }

  async function subscribe(parts: Partial<NewSubscription> = {}): Promise<SubscriptionRecord> {
    const row = await store.insertSubscription(subscription(parts))
    assert.ok(row !== null && row !== 'limit', 'insertSubscription did not insert a new subscription')
    return row
  }

  async function publish(
    parts: Partial<NewEvent> = {},
    options?: AppendOptions<unknown>,
  ): Promise<EventRecord> {
    const { appended } = await store.append([event(parts)], options)
    assert.equal(appended.length, 1, 'append answers one entry per event')
    assert.ok(appended[0])
    return appended[0].event
  }

  /** Appends an event already claimed, so that no other row is touched. */
  async function publishClaimed(parts: Partial<NewEvent> = {}): Promise<EventWork> {
    const claim = { token: unique('token'), leaseMs: LEASE_MS, room: 1 }
    const { appended } = await store.append([event(parts)], { claim })
    const work = appended[0]?.work
    assert.ok(work?.kind === 'event', 'a due event is appended already claimed when there is room')
    return work
  }

  async function claim(parts: Partial<ClaimRequest> = {}): Promise<Claimed> {
    const claimed = await store.claim({
      token: unique('token'),
      leaseMs: LEASE_MS,
      limit: 100,
      perTenant: 100,
      perSubscription: 100,
      shares: new Map(),
      alone: false,
      ...parts,
    })
    const tenants = new Set(claimed.work.map(({ tenantId }) => tenantId))
    for (const tenantId of tenants)
      assert.ok(claimed.versions.has(tenantId), 'each tenant in work has a version')
    return claimed
  }

  async function outcome(
    work: EventWork | DeliveryWork,
    next: Next,
    parts: OutcomeParts = {},
  ): Promise<Outcome> {
    const known = work.kind === 'delivery' ? work.delivery : null
    const good = next.state === 'succeeded'
    const usual: Partial<NewAttempt> = good ? {} : { outcome: 'failed', status: 500 }
    return {
      claim: parts.token === undefined ? work.claim : { row: work.claim.row, token: parts.token },
      tenantId: work.tenantId,
      eventId: work.event.id,
      delivery: newDelivery({
        ...(known === null ? {} : { id: known.id, subscriptionId: known.subscriptionId }),
        ...(parts.subscriptionId === undefined ? {} : { subscriptionId: parts.subscriptionId }),
        ...parts.delivery,
      }),
      attempt: parts.attempt === null ? null : await attempt({ ...usual, ...parts.attempt }),
      next,
    }
  }

  async function recordOne(outcomeGiven: Outcome): Promise<Recorded> {
    const results = await store.record([outcomeGiven])
    assert.equal(results.length, 1, 'record answers one result per outcome')
    assert.ok(results[0])
    return results[0]
  }

  async function record(work: EventWork | DeliveryWork, next: Next, parts: OutcomeParts = {}) {
    return recordOne(await outcome(work, next, parts))
  }

  /** A delivery of a new event, with its first outcome recorded and its event row finished. */
  async function deliver(parts: DeliveryParts = {}): Promise<DeliveryRecord> {
    const work = await publishClaimed(parts.event)
    const recorded = await record(work, parts.next ?? dueNow, parts)
    assert.equal(recorded.result, 'recorded')
    assert.ok(recorded.delivery, 'a recorded outcome answers its delivery')
    assert.equal(await store.finish([work.claim]), 1, 'finish removes a claimed event row')
    return recorded.delivery
  }

  /** A held delivery. */
  const deliverHeld = (parts: DeliveryParts = {}) => deliver({ next: heldAlways, attempt: null, ...parts })

  async function claimEvents(parts: Partial<ClaimRequest> = {}): Promise<readonly EventWork[]> {
    return (await claim(parts)).work.filter((work) => work.kind === 'event')
  }

  async function claimDeliveries(parts: Partial<ClaimRequest> = {}): Promise<readonly DeliveryWork[]> {
    return (await claim(parts)).work.filter((work) => work.kind === 'delivery')
  }

  async function claimDelivery(id: string): Promise<DeliveryWork> {
    const found = (await claimDeliveries()).find((work) => work.delivery.id === id)
    assert.ok(found, 'a due, unclaimed delivery is claimed')
    return found
  }

  async function delivery(id: string, tenantId = TENANT): Promise<DeliveryRecord> {
    const row = await store.getDelivery(tenantId, id)
    assert.ok(row, 'the delivery is stored')
    return row
  }

  async function attemptsOf(deliveryId: string, tenantId = TENANT) {
    const filter = { tenant: tenantId, deliveryId }
    const { rows } = await store.listAttempts(filter, { limit: 100, order: 'oldest' })
    return [...rows].sort((a, b) => a.number - b.number)
  }

  async function version(tenantId = TENANT): Promise<number> {
    return (await store.snapshot(tenantId, { after: null, upTo: null, limit: 1 })).version
  }

  async function advance(ms: number): Promise<void> {
    await clock().advance(ms)
  }

  function clock(): ManualClock {
    assert.ok(underTest.clock, 'this case needs the test clock')
    return underTest.clock
  }

  async function begin(): Promise<TestTransaction> {
    assert.ok(underTest.transaction, 'this case needs a transaction')
    return underTest.transaction()
  }

  return {
    store,
    hasClock: underTest.clock !== undefined,
    hasTransaction: underTest.transaction !== undefined,
    ...{ unique, event, subscription, newDelivery, attempt },
    ...{ subscribe, publish, publishClaimed, deliver, deliverHeld },
    ...{ claim, claimEvents, claimDeliveries, claimDelivery },
    ...{ outcome, record, recordOne, delivery, attemptsOf, version, clock, advance, begin },
  }
}
