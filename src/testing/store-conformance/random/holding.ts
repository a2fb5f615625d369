/** Random holds and releases, ends, and openings anew. */
import assert from 'node:assert/strict'
import { anyTenant, type TenantScope } from '../../../model.ts'
import type { DeliveryPlace, PendingDestination, ReleaseRequest } from '../../../queries.ts'
import type { DeliveryRecord } from '../../../records.ts'
import type { Store } from '../../../store.ts'
import { deliveryTo } from './append.ts'
import {
  both,
  deliveriesIn,
  did,
  MANY,
  type Operation,
  once,
  pick,
  type Run,
  refused,
  subscriptionsOf,
  TENANTS,
  untilNothing,
} from './run.ts'

interface Lane {
  readonly tenantId: string
  readonly subscriptionId: string
}

function lanesOf(deliveries: readonly DeliveryRecord[]): readonly Lane[] {
  return deliveries.flatMap(({ tenantId, subscriptionId }) =>
    subscriptionId === null ? [] : [{ tenantId, subscriptionId }],
  )
}

async function hold(run: Run): Promise<void> {
  const lanes = lanesOf((await deliveriesIn(run, 'pending')).filter(({ held }) => !held))
  const lane = pick(run, lanes.length === 0 ? [{ tenantId: 'acme', subscriptionId: 'sub-a' }] : lanes)
  const limit = run.between(1, 3)
  const rows = await both(run, async (store) => {
    let held = 0
    for (;;) {
      const some = await store.hold(lane.tenantId, lane.subscriptionId, limit)
      assert.ok(some <= limit, 'hold keeps to its limit')
      if (some === 0) return held
      held += some
    }
  })
  did(run, 'held', rows)
}

const own = { count: 2, perMs: 4_000 }
const shared = { count: 3, perMs: 6_000 }

async function release(run: Run): Promise<void> {
  const held = await run.model.listHeld({ after: null, limit: MANY })
  if (held.length === 0) await hold(run)
  const lanes = await run.model.listHeld({ after: null, limit: MANY })
  if (lanes.length === 0) return
  const { tenantId, subscriptionId } = pick(run, lanes)
  const request: ReleaseRequest = {
    tenantId,
    subscriptionId,
    limit: pick(run, [1, 2, MANY]),
    ordering: pick(run, ['none', 'subscription', 'key', 'key']),
    ...pick(run, [{}, {}, {}, { rate: own }]),
    ...pick(run, [{}, {}, {}, { slots: run.between(1, 3) }]),
    ...pick(run, [{}, {}, {}, { tenant: { rate: shared } }, { tenant: { slots: run.between(1, 4) } }]),
    ...pick(run, [{}, {}, { trigger: 'probe' as const }, { trigger: 'manual' as const }]),
  }
  const { nextAt, ...answer } = await run.store.release(request)
  const { nextAt: wantedAt, ...wanted } = await run.model.release(request)
  assert.deepEqual(answer, wanted)
  if (nextAt === null || wantedAt === null) assert.equal(nextAt, wantedAt)
  else assert.ok(Math.abs(nextAt - wantedAt) < 1, 'nextAt, within a millisecond')
  did(run, `released, ordering ${request.ordering}`, answer.released)
  if (request.rate ?? request.tenant?.rate) did(run, 'released at a rate', answer.released)
  if (request.slots ?? request.tenant?.slots) did(run, 'released into slots', answer.released)
  if (answer.more) refused(run, 'still held')
}

/** Waits for the first end of an age, and sees to it that there is one. */
async function expire(run: Run): Promise<void> {
  const now = await run.lab.store.now()
  const ends = (await deliveriesIn(run, 'pending')).map(({ expiresAt }) => expiresAt)
  if (!ends.some((at) => at < now + 30_000)) {
    const event = run.lab.event({ addressee: { ...deliveryTo(run, null), maxAgeMs: 3_000 } })
    await both(run, async (store) => (await store.append([event])).appended)
    ends.push(now + 3_000)
  }
  const first = Math.min(...ends)
  if (first > now) await run.lab.advance(Math.ceil(first - now))
  const limit = run.between(1, 3)
  const rows = await untilNothing(run, (store) => store.expire(limit))
  did(run, 'expired', rows)
}

async function cancel(run: Run): Promise<void> {
  const all = await deliveriesIn(run, once(run, 4) ? undefined : 'pending')
  if (all.length === 0) return
  const { tenantId, id: deliveryId, eventId, subscriptionId } = pick(run, all)
  const ofSubscription = subscriptionId === null ? {} : { subscriptionId }
  const filter = pick(run, [
    ...[{ deliveryId }, { eventId }, { eventId, ...ofSubscription }],
    ...[{ deliveryId, eventId: 'another' }, once(run, 3) ? ofSubscription : { deliveryId }],
  ])
  const limit = run.between(1, 3)
  const rows = await untilNothing(run, (store) => store.cancel({ tenantId, ...filter }, limit))
  did(run, 'cancelled', rows)
}

async function redeliver(run: Run): Promise<void> {
  const all = await deliveriesIn(run)
  if (all.length === 0) return
  const { tenantId, id, state } = pick(run, all)
  const scope = pick<TenantScope>(run, [tenantId, tenantId, anyTenant, 'acme'])
  const options = {
    trigger: pick(run, ['manual', 'manual', 'retry'] as const),
    maxAgeMs: 60_000,
    ...(once(run, 2) ? { destination: 'again' } : {}),
  }
  const answer = await both(run, (store) => store.redeliver(scope, id, options))
  if (answer === null || answer === 'pruned') refused(run, answer ?? 'nothing to redeliver')
  else did(run, state === 'pending' ? 'redelivered at once' : 'opened again')
}

async function replay(run: Run): Promise<void> {
  const tenantId = pick(run, TENANTS)
  const { rows } = await run.model.listEvents({ tenant: tenantId }, { limit: MANY, order: 'oldest' })
  const ids = (await subscriptionsOf(run, tenantId)).map(({ id }) => id)
  const entries = Array.from({ length: run.between(2, 5) }, () => ({
    eventId: rows.length === 0 || once(run, 10) ? 'none' : pick(run, rows).id,
    delivery: { ...deliveryTo(run, pick(run, [...ids, ...ids, 'none'])) },
  }))
  const answer = await both(run, (store) => store.replay(tenantId, entries))
  for (const one of answer)
    if (one === null || typeof one === 'string') refused(run, `replay: ${one}`)
    else did(run, 'replayed')
}

/** The whole walk; how many a page has is a free choice. */
async function destinationsIn(store: Store<unknown>): Promise<readonly PendingDestination[]> {
  const met: PendingDestination[] = []
  let after: DeliveryPlace | null = null
  for (let pages = 0; pages < MANY; pages++) {
    const page: Awaited<ReturnType<typeof store.listDestinations>> = await store.listDestinations({
      after,
      limit: 3,
    })
    met.push(...page.destinations)
    if (page.next === null) break
    after = page.next
  }
  return met.sort((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
}

async function replaceDestinations(run: Run): Promise<void> {
  const event = run.lab.event({ addressee: deliveryTo(run, null), delayMs: 4_000 })
  await both(run, async (store) => (await store.append([event])).appended)
  const changes = (await both(run, destinationsIn))
    .filter(() => !once(run, 3))
    .map(({ destination, ...place }) => ({
      ...place,
      from: once(run, 4) ? 'another' : destination,
      to: `anew ${run.between(1, 9)}`,
    }))
  did(run, 'destination replaced', await both(run, (store) => store.replaceDestinations(changes)))
}

/** As often as they are drawn. */
export const holdingOperations: readonly Operation[] = [
  ['hold', hold],
  ['hold', hold],
  ...Array.from({ length: 6 }, (): Operation => ['release', release]),
  ['expire', expire],
  ['expire', expire],
  ['cancel', cancel],
  ['cancel', cancel],
  ['redeliver', redeliver],
  ['redeliver', redeliver],
  ['redeliver', redeliver],
  ['replay', replay],
  ['replay', replay],
  ['replace destinations', replaceDestinations],
]
