/** The store on a SQL database: the same for all of them. Picks the operations and hands them their session; nothing else. */
import type { Clock } from '../../clock.ts'
import type { Migrated } from '../../queries.ts'
import type { Store } from '../../store.ts'
import { append } from './append.ts'
import { recordFailure } from './append-failure.ts'
import { backlog } from './backlog.ts'
import { createClaimer } from './claim.ts'
import { listDestinations, replaceDestinations } from './destinations.ts'
import type { Dialect } from './dialect.ts'
import { discreet } from './discreet.ts'
import { cancel, expire, redeliver } from './ending.ts'
import type { Database } from './executor.ts'
import { findDelivery, getEvent } from './find.ts'
import { addRollups, eraseTenant, prune, pruneRollups, readRollups } from './history.ts'
import { hold, listHeld, release } from './holding.ts'
import { addJob, endJob, getJob } from './jobs.ts'
import { createLists } from './lists.ts'
import { checkSchema, migrate, schemaSql } from './migrations.ts'
import { expanded, finish, handBack, leaveOrder, split } from './queue.ts'
import { record } from './record.ts'
import { replay } from './replay.ts'
import { createSession } from './session.ts'
import {
  deleteSubscription,
  getSubscription,
  insertSubscription,
  snapshot,
  updateSubscription,
} from './subscriptions.ts'
import { telling } from './telling.ts'
import { createWakeHints } from './wake-hints.ts'

/** A store on a SQL database. */
export interface SqlStore<Tx> extends Store<Tx> {
  /** Creates the tables, or brings them to the newest version. Safe to call from many processes at once. */
  migrate(): Promise<Migrated>
  /** Every statement that `migrate` would run on an empty database, for people who run them themselves. */
  migrationSql(): string
}

/** What a store is made of. */
export interface SqlStoreParts<Tx> {
  readonly database: Database<Tx>
  readonly dialect: Dialect
  /** Schema on Postgres, prefix of the tables elsewhere. */
  readonly namespace: string
  /** Decides what time it is, in place of the database; for tests. */
  readonly clock: Clock | undefined
  /** Exchange wake-up hints with other processes. */
  readonly listen?: boolean
}

/** Builds the store. It does nothing until it is called. */
export function createSqlStore<Tx>({
  dialect,
  namespace,
  clock,
  listen = false,
  ...given
}: SqlStoreParts<Tx>): SqlStore<Tx> {
  const database = discreet(given.database)
  const session = createSession(database as Database<unknown>, dialect, namespace, clock)
  const lists = createLists(session)
  const hints = listen ? createWakeHints(database as Database<unknown>, namespace) : null
  /** What has made work due tells the other processes; what only a worker calls does not: a hint must not lead to hints. */
  const due = <T>(done: Promise<T>): Promise<T> => {
    if (hints !== null) done.then(hints.notify, () => {})
    return done
  }
  const operations: SqlStore<Tx> = {
    name: dialect.name,
    durable: true,
    open: () => checkSchema(session, namespace),
    checkWork: async () => database.checkWork?.(),
    async close() {
      hints?.close()
      await database.close()
    },
    ...(hints === null ? {} : { onWake: hints.onWake }),
    now: async () => (await session.now()) / 1000,
    migrate: () => migrate(session, namespace),
    runsAtOnce: (tx) => session.runsAtOnce(tx),
    migrationSql: () => schemaSql(dialect, namespace),

    insertSubscription: (subscription, limits) => insertSubscription(session, subscription, limits),
    getSubscription: (scope, id) => getSubscription(session, scope, id),
    updateSubscription: (scope, id, patch, guard) => updateSubscription(session, scope, id, patch, guard),
    deleteSubscription: (scope, id) => deleteSubscription(session, scope, id),
    listSubscriptions: lists.listSubscriptions,
    snapshot: (tenantId, range) => snapshot(session, tenantId, range),

    // Not for what waits for the caller's commit, nor for what this process has claimed in the same step.
    append: (events, options) =>
      options?.tx === undefined && options?.claim === undefined
        ? due(append(session, events, options))
        : append(session, events, options),
    claim: createClaimer(session),
    expanded: (tenantId, eventId, range) => expanded(session, tenantId, eventId, range),
    split: (claim, ranges) => split(session, claim, ranges),
    record: async (outcomes) =>
      outcomes.length === 0
        ? []
        : record(session, outcomes).catch((error) => Promise.reject(recordFailure(error, dialect.name))),
    finish: (claims) => finish(session, claims),
    handBack: (entries) => handBack(session, entries),
    leaveOrder: (claims) => leaveOrder(session, claims),
    hold: (tenantId, subscriptionId, limit) => hold(session, tenantId, subscriptionId, limit),
    release: (request) => release(session, request),
    listHeld: (page) => listHeld(session, page),
    expire: (limit) => expire(session, limit),
    cancel: (filter, limit) => cancel(session, filter, limit),
    redeliver: (scope, id, how) => due(redeliver(session, scope, id, how)),
    replay: async (tenantId, entries) =>
      entries.length === 0 ? [] : due(replay(session, tenantId, entries)),
    listDestinations: (page) => listDestinations(session, page),
    replaceDestinations: (changes) => replaceDestinations(session, changes),
    addJob: (tenantId, job) => due(addJob(session, tenantId, job)),
    getJob: (scope, id) => getJob(session, scope, id),
    listJobs: lists.listJobs,
    endJob: (scope, id, end) => endJob(session, scope, id, end),
    backlog: (filter) => backlog(session, filter),

    getEvent: (scope, id) => getEvent(session, scope, id),
    listEvents: lists.listEvents,
    getDelivery: (scope, id) => findDelivery(session, scope, id),
    listDeliveries: lists.listDeliveries,
    listAttempts: lists.listAttempts,
    addRollups: (rollups) => addRollups(session, rollups),
    readRollups: (filter) => readRollups(session, filter),
    pruneRollups: (request) => pruneRollups(session, request),
    prune: (request) => prune(session, request),
    eraseTenant: (tenantId, limit) => eraseTenant(session, tenantId, limit),
  }
  return telling(operations, session, namespace)
}
