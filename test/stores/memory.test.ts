import { beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import type { ClaimRequest, Next, Outcome } from '../../src/queries.ts'
import type { NewDelivery, NewEvent, Work } from '../../src/records.ts'
import { type MemoryStore, memoryStore } from '../../src/stores/memory.ts'
import { delivery, event, heldNext, next, outcome, retry, START, subscription } from './rows.ts'

let now = 0
let store: MemoryStore

const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  setTimer: () => ({ cancel: () => {} }),
}

beforeEach(() => {
  now = START
  store = memoryStore({ clock })
})

const claim = (change: Partial<ClaimRequest> = {}) =>
  store.claim({
    token: next('token'),
    leaseMs: 1000,
    limit: 100,
    perTenant: 100,
    perSubscription: 100,
    shares: new Map(),
    alone: false,
    ...change,
  })

const claimOne = async (change: Partial<ClaimRequest> = {}): Promise<Work> => {
  const [work] = (await claim({ limit: 1, ...change })).work
  if (work === undefined) throw new Error('nothing is due')
  return work
}

const recordOne = async (one: Outcome) => {
  const [recorded] = await store.record([one])
  if (recorded === undefined) throw new Error('no result')
  return recorded
}

const newest = { limit: 100 }

/** A pending delivery with a queue row of its own, due after `retry`. */
async function pendingDelivery(subscriptionId: string, change: Partial<NewEvent> = {}): Promise<NewDelivery> {
  await store.append([event(change)])
  const work = await claimOne()
  const to = delivery(subscriptionId)
  await store.record([outcome(work, to, retry)])
  await store.finish([work.claim])
  return to
}

describe('memoryStore', () => {
  it('goes from append over claim and record to finish', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    await store.append([event()])
    const work = await claimOne()
    expect(work).toMatchObject({ kind: 'event', lostClaims: 0, resumed: false, after: null, upTo: null })
    expect((await claim()).work).toEqual([])
    const recorded = await recordOne(outcome(work, delivery(sub.id), { state: 'succeeded' }))
    expect(recorded).toMatchObject({
      result: 'recorded',
      delivery: { state: 'succeeded', attemptCount: 1, number: 1, endedAt: now, nextAttemptAt: null },
      attempt: { number: 1, late: false },
    })
    expect(await store.finish([work.claim])).toBe(1)
    expect(await claim()).toMatchObject({ work: [], nextDueAt: null, suspects: false })
  })

  it('appends already claimed, up to the room', async () => {
    const lease = { token: 'mine', leaseMs: 1000, room: 1 }
    const { appended } = await store.append([event({ delayMs: 5 }), event(), event()], { claim: lease })
    expect(appended.map(({ work }) => work?.claim.token ?? null)).toEqual([null, 'mine', null])
    expect((await claim()).work).toHaveLength(1)
    expect((await claim()).nextDueAt).toBe(now + 5)
  })

  it('re-dates a retry and numbers the attempts', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    const to = await pendingDelivery(sub.id)
    expect(await claim()).toMatchObject({ work: [], nextDueAt: now + 5000 })
    now += 5000
    const work = await claimOne()
    expect(work).toMatchObject({ kind: 'delivery', trigger: 'retry', delivery: { id: to.id } })
    const failed: Next = { state: 'failed', reason: 'exhausted' }
    expect(await recordOne(outcome(work, to, failed))).toMatchObject({
      result: 'recorded',
      delivery: { state: 'failed', reason: 'exhausted', attemptCount: 2 },
      attempt: { number: 2 },
    })
    expect((await claim()).nextDueAt).toBeNull()
  })

  it('fences: a lost claim adds a late failure, and only a success still counts', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    const to = await pendingDelivery(sub.id)
    now += 5000
    const old = await claimOne()
    now += 1000
    const live = await claimOne()
    expect(live).toMatchObject({ lostClaims: 1, resumed: true })
    expect(await recordOne(outcome(old, to, { state: 'failed', reason: 'refused' }))).toMatchObject({
      result: 'late',
      delivery: { state: 'pending', attemptCount: 2 },
      attempt: { late: true, number: 2 },
    })
    const success = outcome(old, to, { state: 'succeeded' })
    expect(await recordOne(success)).toMatchObject({ result: 'late', delivery: { state: 'succeeded' } })
    expect(await recordOne(success)).toMatchObject({ result: 'repeated', attempt: { late: true, number: 3 } })
    expect(await store.handBack([{ claim: live.claim, delayMs: 0 }])).toBe(0)
  })

  it('keeps a claim whose lease is over until another takes it', async () => {
    await store.append([event()])
    const work = await claimOne()
    now += 5000
    expect(await store.finish([work.claim])).toBe(1)
  })

  it('leaves suspects to a claim alone, and forgets them with an outcome', async () => {
    await store.append([event()])
    for (const lostClaims of [0, 1]) {
      expect(await claimOne()).toMatchObject({ lostClaims, lostAlone: 0 })
      now += 1000
    }
    expect(await claim()).toMatchObject({ work: [], suspects: true })
    expect(await claimOne({ alone: true })).toMatchObject({ lostClaims: 2, lostAlone: 0 })
    now += 1000
    const work = await claimOne({ alone: true })
    expect(work).toMatchObject({ lostClaims: 3, lostAlone: 1 })
    await store.handBack([{ claim: work.claim, delayMs: 0 }])
    const again = await claimOne({ alone: true })
    expect(again).toMatchObject({ lostClaims: 3, lostAlone: 1 })
    await store.record([outcome(again, delivery(null), { state: 'succeeded' })])
    await store.handBack([{ claim: again.claim, delayMs: 0 }])
    expect(await claimOne()).toMatchObject({ lostClaims: 0, lostAlone: 0 })
  })

  it('takes an event once per id and per idempotency key', async () => {
    const one = event({ idempotencyKey: 'k' })
    const two = event({ idempotencyKey: 'k' })
    const { appended } = await store.append([one, two, { ...one, idempotencyKey: null }])
    expect(appended.map(({ event: { id }, duplicate }) => [id, duplicate])).toEqual([
      [one.id, false],
      [one.id, true],
      [one.id, true],
    ])
    expect((await store.append([{ ...two, tenantId: 'u' }])).appended[0]?.duplicate).toBe(false)
  })

  it('holds while the subscription is paused and releases by position, rate and slots', async () => {
    const sub = subscription({ state: 'paused' })
    await store.insertSubscription(sub)
    await store.append([event(), event(), event()])
    for (const work of (await claim()).work) {
      const recorded = await recordOne(outcome(work, delivery(sub.id), heldNext(false), null))
      expect(recorded.delivery).toMatchObject({ held: true, nextAttemptAt: null, attemptCount: 0 })
      await store.finish([work.claim])
    }
    expect(await store.listHeld({ after: null, limit: 9 })).toEqual([
      { tenantId: 't', subscriptionId: sub.id, count: 3 },
    ])
    const request = { tenantId: 't', subscriptionId: sub.id, limit: 9 }
    expect(await store.release({ ...request, ordering: 'subscription' })).toMatchObject({
      released: 1,
      more: true,
    })
    expect(await store.release({ ...request, ordering: 'subscription' })).toMatchObject({ released: 0 })
    expect(await store.release({ ...request, ordering: 'none', slots: 1 })).toMatchObject({ released: 0 })
    const rate = { count: 1, perMs: 1000 }
    expect(await store.release({ ...request, ordering: 'none', rate })).toEqual({
      released: 1,
      more: true,
      nextAt: now + 1000,
    })
    const { work } = await claim()
    expect(work.map((one) => (one.kind === 'delivery' ? one.event.sequence : 0))).toEqual([1, 2])
    expect(await store.backlog({ tenant: 't' })).toMatchObject({ due: 2, held: 1, scheduled: 0 })
  })

  it('does not hold for an active subscription unless always', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    await store.append([event(), event()])
    const [first, second] = (await claim()).work
    if (first === undefined || second === undefined) throw new Error('two events are due')
    const due = await recordOne(outcome(first, delivery(sub.id), heldNext(false), null))
    expect(due.delivery).toMatchObject({ held: false, nextAttemptAt: now })
    const always = await recordOne(outcome(second, delivery(sub.id), heldNext(true), null))
    expect(always.delivery).toMatchObject({ held: true })
    expect(await store.hold('t', sub.id, 10)).toBe(1)
  })

  it('goes round the tenants and minds the limits per tenant and per subscription', async () => {
    await store.append(Array.from({ length: 50 }, () => event({ tenantId: 'loud' })))
    await store.append([event({ tenantId: 'quiet' })])
    const { work } = await claim({ limit: 4 })
    expect(work.map(({ tenantId }) => tenantId).sort()).toEqual(['loud', 'loud', 'loud', 'quiet'])
    expect((await claim({ limit: 10, perTenant: 2 })).work).toHaveLength(10)

    const sub = subscription()
    await store.insertSubscription(sub)
    await store.eraseTenant('loud', 100)
    for (let count = 0; count < 3; count += 1) await pendingDelivery(sub.id)
    now += 5000
    await store.eraseTenant('quiet', 100)
    expect((await claim({ shares: new Map([[sub.id, 0]]) })).work).toHaveLength(0)
    expect((await claim({ perSubscription: 2 })).work).toHaveLength(2)
    expect((await claim()).work).toHaveLength(1)
  })

  it('shows what a transaction appended once it commits, and never when it throws', async () => {
    const one = event({ idempotencyKey: 'k' })
    await store.transaction(async (tx) => {
      expect((await store.append([one], { tx })).appended[0]?.duplicate).toBe(false)
      expect((await store.append([one], { tx })).appended[0]?.duplicate).toBe(true)
      expect(await store.getEvent('t', one.id)).toBeNull()
      expect((await claim()).work).toEqual([])
    })
    expect((await claim()).work).toHaveLength(1)
    const lost = event()
    const failing = store.transaction(async (tx) => {
      await store.append([lost], { tx })
      throw new Error('rolled back')
    })
    await expect(failing).rejects.toThrow('rolled back')
    expect(await store.getEvent('t', lost.id)).toBeNull()
  })

  it('fails a transaction whole whose key was taken while it was open', async () => {
    const [own, other] = [event(), event({ idempotencyKey: 'k' })]
    const overtaken = store.transaction(async (tx) => {
      await store.append([own, event({ idempotencyKey: 'k' })], { tx })
      await store.append([other])
    })
    await expect(overtaken).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await store.getEvent('t', own.id)).toBeNull()
    expect((await claim()).work.map((work) => work.kind === 'event' && work.event.id)).toEqual([other.id])
  })

  it('cancels what a deleted subscription was owed and answers gone', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    const to = await pendingDelivery(sub.id)
    await store.append([event()])
    const fanOut = await claimOne()
    now += 5000
    const work = await claimOne({ shares: new Map([[sub.id, 1]]) })
    await store.deleteSubscription('t', sub.id)
    expect(await store.getDelivery('t', to.id)).toMatchObject({ state: 'cancelled', endedAt: now })
    expect(await recordOne(outcome(fanOut, delivery(sub.id), retry))).toMatchObject({ result: 'gone' })
    expect(work.tenantId).toBe('t')
  })

  it('redelivers, expires and prunes', async () => {
    const sub = subscription()
    await store.insertSubscription(sub)
    const to = await pendingDelivery(sub.id)
    now += 60_000
    expect(await store.expire(10)).toMatchObject([{ id: to.id, state: 'failed', reason: 'expired' }])
    const again = await store.redeliver('t', to.id, { trigger: 'manual', maxAgeMs: 1000 })
    expect(again).toMatchObject({
      state: 'pending',
      roundStart: 1,
      nextAttemptAt: now,
      expiresAt: now + 1000,
    })
    expect(await store.prune({ finishedAgeMs: 0, limit: 10 })).toMatchObject({ events: 0 })
    expect(await store.cancel({ tenantId: 't' }, 10)).toHaveLength(1)
    expect(await store.prune({ bodyAgeMs: 0, limit: 10 })).toMatchObject({ bodies: 1 })
    expect(await store.redeliver('t', to.id, { trigger: 'manual', maxAgeMs: 1 })).toBe('pruned')
    expect(await store.prune({ finishedAgeMs: 0, limit: 10 })).toMatchObject({ events: 1 })
    expect((await store.listAttempts({ tenant: 't' }, newest)).rows).toEqual([])
    expect(await store.eraseTenant('t', 10)).toBe(true)
  })

  it('pages newest first, by key and with a total', async () => {
    await store.append([event(), event(), event()])
    const first = await store.listEvents({ tenant: 't' }, { limit: 2, total: true })
    expect(first).toMatchObject({ total: 3, rows: [{ sequence: 3 }, { sequence: 2 }] })
    const last = first.rows[1]
    if (last === undefined) throw new Error('two rows')
    const after = { at: last.publishedAt, id: last.id }
    expect((await store.listEvents({ tenant: 't' }, { limit: 2, after })).rows).toMatchObject([
      { sequence: 1 },
    ])
  })
})
