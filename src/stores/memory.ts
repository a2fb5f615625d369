/** The in-memory store: everything lives in this process and is lost with it. It is the readable reference of the contract. */
import { type Clock, systemClock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import type { Store } from '../store.ts'
import { append } from './memory/append.ts'
import { claim } from './memory/claim.ts'
import { listDestinations, replaceDestinations } from './memory/destinations.ts'
import { addRollups, eraseTenant, prune, pruneRollups, readRollups } from './memory/history.ts'
import { cancel, expire, hold, listHeld, redeliver, release } from './memory/holding.ts'
import { addJob, endJob, getJob, listJobs } from './memory/jobs.ts'
import {
  findDelivery,
  getEvent,
  listAttempts,
  listDeliveries,
  listEvents,
  listSubscriptions,
} from './memory/lists.ts'
import { backlog, expanded, finish, handBack, leaveOrder, split } from './memory/queue.ts'
import { record } from './memory/record.ts'
import { replay } from './memory/replay.ts'
import { createState } from './memory/state.ts'
import {
  deleteSubscription,
  getSubscription,
  insertSubscription,
  snapshot,
  updateSubscription,
} from './memory/subscriptions.ts'
import { createTransactions, type MemoryTransaction } from './memory/transactions.ts'

export type { MemoryTransaction } from './memory/transactions.ts'

/** The store that keeps everything in the process. */
export interface MemoryStore extends Store<MemoryTransaction> {
  onWake(listener: () => void): () => void
  /**
   * Runs `fn`; what it appends with `{ tx }` becomes visible when it returns, and vanishes when it throws.
   * @throws PosthornError `CONFLICT` when an id or idempotency key was taken elsewhere meanwhile; nothing is stored then
   */
  transaction<T>(fn: (tx: MemoryTransaction) => T | Promise<T>): Promise<T>
}

/**
 * A store in memory: for tests, development, and where losing everything with the process is acceptable. It is the
 * readable reference of the contract in `store.ts`. Each operation runs in one synchronous step, which makes it atomic.
 *
 * @throws PosthornError `INVALID_OPTION`
 */
export function memoryStore(options: { readonly clock?: Clock } = {}): MemoryStore {
  refuseUnknownOptions('memoryStore()', options, { clock: true })
  const clock = options.clock ?? systemClock
  const state = createState(clock)
  const transactions = createTransactions(state)
  return {
    name: 'memory',
    durable: false,
    open: async () => {},
    close: async () => {},
    now: async () => clock.now(),
    onWake(listener) {
      state.listeners.add(listener)
      return () => state.listeners.delete(listener)
    },
    transaction: (fn) => transactions.run(fn),

    insertSubscription: async (subscription, limits) => insertSubscription(state, subscription, limits),
    getSubscription: async (scope, id) => getSubscription(state, scope, id),
    updateSubscription: async (scope, id, patch, guard) => updateSubscription(state, scope, id, patch, guard),
    deleteSubscription: async (scope, id) => deleteSubscription(state, scope, id),
    listSubscriptions: async (filter, page) => listSubscriptions(state, filter, page),
    snapshot: async (tenantId, range) => snapshot(state, tenantId, range),

    append: async (events, appendOptions) => append(state, transactions, events, appendOptions),
    claim: async (request) => claim(state, request),
    expanded: async (tenantId, eventId, range) => expanded(state, tenantId, eventId, range),
    split: async (held, ranges) => split(state, held, ranges),
    record: async (outcomes) => record(state, outcomes),
    finish: async (claims) => finish(state, claims),
    handBack: async (entries) => entries.filter((entry) => handBack(state, entry)).length,
    leaveOrder: async (claims) => leaveOrder(state, claims),
    hold: async (tenantId, subscriptionId, limit) => hold(state, tenantId, subscriptionId, limit),
    release: async (request) => release(state, request),
    listHeld: async (page) => listHeld(state, page),
    expire: async (limit) => expire(state, limit),
    cancel: async (filter, limit) => cancel(state, filter, limit),
    redeliver: async (scope, id, how) => redeliver(state, scope, id, how),
    replay: async (tenantId, entries) => replay(state, tenantId, entries),
    listDestinations: async (page) => listDestinations(state, page),
    replaceDestinations: async (changes) => replaceDestinations(state, changes),
    addJob: async (tenantId, job) => addJob(state, tenantId, job),
    getJob: async (scope, id) => getJob(state, scope, id),
    listJobs: async (filter, page) => listJobs(state, filter, page),
    endJob: async (scope, id, end) => endJob(state, scope, id, end),
    backlog: async (filter) => backlog(state, filter),

    getEvent: async (scope, id) => getEvent(state, scope, id),
    listEvents: async (filter, page) => listEvents(state, filter, page),
    getDelivery: async (scope, id) => findDelivery(state, scope, id)?.delivery ?? null,
    listDeliveries: async (filter, page) => listDeliveries(state, filter, page),
    listAttempts: async (filter, page) => listAttempts(state, filter, page),
    addRollups: async (rollups) => addRollups(state, rollups),
    readRollups: async (filter) => readRollups(state, filter),
    pruneRollups: async (request) => pruneRollups(state, request),
    prune: async (request) => prune(state, request),
    eraseTenant: async (tenantId, limit) => eraseTenant(state, tenantId, limit),
  }
}
