/** The kit can fail: each deliberately wrong store breaks one MUST, and at least one case finds it. */
import { describe, expect, test } from 'vitest'
import { anyTenant } from '../../src/model.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { heldTransaction, manualClock, storeConformance } from '../../src/testing/index.ts'
import { type AnyStore, type Flaw, wrongJobs } from './wrong-jobs.ts'
import { wrongLists } from './wrong-lists.ts'
import { wrongOutcomes } from './wrong-outcomes.ts'
import { wrongSharing } from './wrong-sharing.ts'
import { wrongVersions } from './wrong-versions.ts'

const flaws: Record<string, Flaw> = {
  ...wrongJobs,
  ...wrongOutcomes,
  ...wrongLists,
  ...wrongSharing,
  ...wrongVersions,
  'append forgets idempotency keys': (right) => ({
    append: (events, options) =>
      right.append(
        events.map((event) => ({ ...event, idempotencyKey: null })),
        options,
      ),
  }),
  'append rewrites the body': (right) => ({
    append: (events, options) =>
      right.append(
        events.map((event) => ({ ...event, body: JSON.stringify(JSON.parse(event.body ?? 'null')) })),
        options,
      ),
  }),
  'append does not say that an event is a duplicate': (right) => ({
    async append(events, options) {
      const { appended, versions } = await right.append(events, options)
      return { appended: appended.map((entry) => ({ ...entry, duplicate: false })), versions }
    },
  }),
  'append works outside the transaction': (right) => ({
    append: (events, { tx: _tx, ...options } = {}) => right.append(events, options),
  }),
  'append queues skipped events': (right) => ({
    append: (events, options) =>
      right.append(
        events.map((event) => ({ ...event, skipped: false })),
        options,
      ),
  }),
  'append ignores delays': (right) => ({
    append: (events, options) =>
      right.append(
        events.map(({ delayMs: _delay, dueAt: _due, ...event }) => event),
        options,
      ),
  }),
  'a list leaks another tenant': (right) => ({
    listEvents: (filter, page) => right.listEvents({ ...filter, tenant: anyTenant }, page),
  }),
  'get leaks another tenant': (right) => ({
    getDelivery: (_scope, id) => right.getDelivery(anyTenant, id),
  }),
  'a row is given to two claimers': (right) => {
    let last: Awaited<ReturnType<AnyStore['claim']>> | null = null
    return {
      async claim(request) {
        const claimed = await right.claim(request)
        const again = last
        last = claimed.work.length > 0 ? claimed : null
        return claimed.work.length === 0 && again !== null ? again : claimed
      },
    }
  },
  'claim takes one tenant at a time': (right) => ({
    async claim(request) {
      const claimed = await right.claim(request)
      const [first] = claimed.work
      const others = claimed.work.filter((work) => work.tenantId !== first?.tenantId)
      await right.handBack(others.map(({ claim }) => ({ claim, delayMs: 0 })))
      return { ...claimed, work: claimed.work.filter((work) => !others.includes(work)) }
    },
  }),
  'claim ignores shares': (right) => ({
    claim: (request) => right.claim({ ...request, shares: new Map() }),
  }),
  'claim ignores buckets': (right) => ({
    claim: ({ buckets: _buckets, ...request }) => right.claim(request),
  }),
  'claim never says that rows are suspect': (right) => ({
    claim: async (request) => ({ ...(await right.claim(request)), suspects: false }),
  }),
  'lost claims are not counted': (right) => ({
    async claim(request) {
      const claimed = await right.claim(request)
      return { ...claimed, work: claimed.work.map((work) => ({ ...work, lostClaims: 0, lostAlone: 0 })) }
    },
  }),
  'finish forgets to remove': () => ({ finish: async (claims) => claims.length }),
  'split drops the last range': (right) => ({
    split: (claim, ranges) => right.split(claim, ranges.slice(0, -1)),
  }),
  'expanded ignores its range': (right) => ({
    expanded: (tenantId, eventId) => right.expanded(tenantId, eventId, { after: null, upTo: null }),
  }),
  'release ignores the order': (right) => ({
    release: (request) => right.release({ ...request, ordering: 'none' }),
  }),
  'a page of jobs ends at a hundred': (right) => ({
    listJobs: (filter, page) => right.listJobs(filter, { ...page, limit: Math.min(100, page.limit) }),
  }),
  'an exchange of destinations ends at a hundred': (right) => ({
    replaceDestinations: (changes) => right.replaceDestinations(changes.slice(0, 100)),
  }),
  'a release of keys looks at a thousand held rows': (right) => ({
    async release(request) {
      const { held } = await right.backlog({ tenant: request.tenantId })
      const isBlind = request.ordering === 'key' && held > 1_000
      return isBlind ? { released: 0, more: true, nextAt: null } : right.release(request)
    },
  }),
  'release ignores the rate': (right) => ({
    release: ({ rate: _rate, ...request }) => right.release(request),
  }),
  'release ignores the slots': (right) => ({
    release: ({ slots: _slots, ...request }) => right.release(request),
  }),
  'release ignores the limits of the tenant': (right) => ({
    release: ({ tenant: _tenant, ...request }) => right.release(request),
  }),
  'leaveOrder forgets to take out': () => ({ leaveOrder: async (claims) => claims.length }),
  'no work is ever released': (right) => ({
    async claim(request) {
      const claimed = await right.claim(request)
      return { ...claimed, work: claimed.work.map((work) => ({ ...work, released: false })) }
    },
  }),
  'an erased tenant gets a version that it had': (right) => ({
    async claim(request) {
      const claimed = await right.claim(request)
      return { ...claimed, versions: new Map([...claimed.versions].map(([tenant]) => [tenant, 1])) }
    },
  }),
  'delete leaves pending deliveries': (right) => ({
    async deleteSubscription(scope, id) {
      const subscription = await right.getSubscription(scope, id)
      if (subscription === null) return null
      await right.updateSubscription(scope, id, { state: 'disabled' })
      return { subscription, cancelled: [] }
    },
  }),
  'delete does not say what it cancelled': (right) => ({
    async deleteSubscription(scope, id) {
      const deleted = await right.deleteSubscription(scope, id)
      return deleted === null ? null : { ...deleted, cancelled: [] }
    },
  }),
  'update ignores its guard': (right) => ({
    updateSubscription: (scope, id, patch) => right.updateSubscription(scope, id, patch),
  }),
  'the limit of a tenant is looked at before the insert': (right) => ({
    async insertSubscription(row, { perTenant = 9 } = {}) {
      const page = await right.snapshot(row.tenantId, { after: null, upTo: null, limit: 9 })
      return page.subscriptions.length >= perTenant ? 'limit' : right.insertSubscription(row)
    },
  }),
  'the version stands still': (right) => ({
    snapshot: async (tenantId, range) => ({ ...(await right.snapshot(tenantId, range)), version: 1 }),
  }),
  'a create gets the same stamp as the publish before': (right) => ({
    async insertSubscription(subscription, limits) {
      const row = await right.insertSubscription(subscription, limits)
      return row === null || row === 'limit' ? row : { ...row, createdAt: Math.floor(row.createdAt) }
    },
  }),
  'paging by key repeats rows': (right) => ({
    listEvents: (filter, { after: _after, ...page }) => right.listEvents(filter, page),
  }),
  'prune takes what is undelivered': (right) => ({
    async prune(request) {
      await right.cancel({ tenantId: 'acme' }, 100)
      return right.prune(request)
    },
  }),
  'rollups overwrite': (right) => ({
    addRollups: (rollups) =>
      right.addRollups(rollups.map((rollup) => ({ ...rollup, counters: { succeeded: 1 } }))),
  }),
  'redeliver does not reset the round': (right) => ({
    async redeliver(scope, id, options) {
      const row = await right.redeliver(scope, id, options)
      return row === null || row === 'pruned' ? row : { ...row, roundStart: 0 }
    },
  }),
  'replay counts the maximum age from the event': (right) => ({
    async replay(tenantId, entries) {
      const rows = await right.replay(tenantId, entries)
      return rows.map((row) =>
        row !== null && typeof row === 'object'
          ? { ...row, expiresAt: row.expiresAt - row.createdAt + 1_000 }
          : row,
      )
    },
  }),
  'replay does not wait for the fan-out': (right) => ({
    async replay(tenantId, entries) {
      const rows = await right.replay(tenantId, entries)
      return rows.map((row) => (row === 'waiting' ? 'exists' : row))
    },
  }),
  'replay goes past a delivery id that is taken': (right) => ({
    replay: (tenantId, entries) => right.replay(tenantId, entries).catch(() => entries.map(() => null)),
  }),
  'a destination is replaced whatever it is': (right) => ({
    async replaceDestinations(changes) {
      const rows = await Promise.all(changes.map((one) => right.getDelivery(one.tenantId, one.deliveryId)))
      return right.replaceDestinations(
        changes.map((change, at) => ({ ...change, from: rows[at]?.destination ?? change.from })),
      )
    },
  }),
  'the walk over destinations forgets claimed ones': (right) => {
    const claimed = new Set<string>()
    return {
      async claim(request) {
        const answer = await right.claim(request)
        for (const work of answer.work) if (work.kind === 'delivery') claimed.add(work.delivery.id)
        return answer
      },
      async listDestinations(page) {
        const { destinations, next } = await right.listDestinations(page)
        return { destinations: destinations.filter(({ deliveryId }) => !claimed.has(deliveryId)), next }
      },
    }
  },
  'the walk over destinations repeats its pages': (right) => ({
    listDestinations: ({ limit }) => right.listDestinations({ after: null, limit }),
  }),
  'rollups are never removed': () => ({ pruneRollups: async () => 0 }),
  'cancel spares claimed deliveries': (right) => {
    let claimed = false
    return {
      async claim(request) {
        const answer = await right.claim(request)
        claimed ||= answer.work.length > 0
        return answer
      },
      cancel: async (filter, limit) => (claimed ? [] : right.cancel(filter, limit)),
    }
  },
}

function casesOf(flaw: Flaw) {
  return storeConformance(async () => {
    const clock = manualClock()
    const right = memoryStore({ clock })
    return {
      store: { ...right, ...flaw(right) },
      clock,
      transaction: () => heldTransaction<unknown>((work) => right.transaction(work)),
    }
  })
}

/** The first case that fails, or null. */
async function firstFailing(flaw: Flaw): Promise<string | null> {
  for (const { name, run } of casesOf(flaw)) {
    try {
      await run()
    } catch {
      return name
    }
  }
  return null
}

describe('the kit looks at a store in which', () => {
  test('nothing is wrong, and no case fails', async () => {
    expect(await firstFailing(() => ({}))).toBeNull()
  })

  test.each(Object.entries(flaws))('%s', async (_name, flaw) => {
    expect(await firstFailing(flaw)).not.toBeNull()
  })
})
