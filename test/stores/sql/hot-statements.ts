/** The statements whose plans matter, with values to plan them for. */
import { LOOK_AT_TENANT, LOOKS } from '../../../src/stores/sql/backlog.ts'
import { candidates, LEASE_EVENTS, LEASE_LOCKED, LOAD } from '../../../src/stores/sql/claim-statements.ts'
import {
  PENDING_OF_NEXT,
  PENDING_OF_TENANT,
  READ_DESTINATIONS,
  REPLACE_DESTINATIONS,
} from '../../../src/stores/sql/destinations.ts'
import type { Dialect } from '../../../src/stores/sql/dialect.ts'
import { EXPIRED, OWED_ONE, OWED_TO } from '../../../src/stores/sql/ending.ts'
import { COUNT_HELD, HELD_LANES } from '../../../src/stores/sql/holding.ts'
import { FINISH, HAND_BACK } from '../../../src/stores/sql/queue.ts'
import { RECORD_FIRST } from '../../../src/stores/sql/record-first.ts'
import {
  LOCK_DELIVERIES,
  LOCK_DELIVERIES_OF_EVENTS,
  LOCK_DELIVERY_ROWS,
  LOCK_ROWS,
  READ_ATTEMPTS,
  REDATE_ROWS,
  REMOVE_ROWS,
  UPDATE_DELIVERIES,
} from '../../../src/stores/sql/record-statements.ts'
import {
  ALL_OF_SHORT_LANE,
  FIRST_OF_ALL_KEYS,
  FIRST_OF_FEW_KEYS,
  FIRST_OF_LONG_LANE,
  HELD_BESIDE_KEYS,
  HELD_FIRST,
  LOCK_ANY,
} from '../../../src/stores/sql/releasable.ts'
import type { Template } from '../../../src/stores/sql/session.ts'
import type { Values } from '../../../src/stores/sql/template.ts'
import { lanesRows } from '../../../src/stores/sql/walk.ts'
import { FILLED_AT } from './big-tables.ts'

/** One statement to explain. */
export interface HotStatement {
  readonly name: string
  readonly template: Template
  readonly values: Values
  /** It puts its own batch in order, so that writers lock it alike: a sort of as many rows as were asked for. */
  readonly sortsItsBatch?: true
  /** Only databases with this capability run it. */
  readonly needs?: 'insertsTogether'
}

/** Does this database run it? */
export const runsOn =
  (dialect: Dialect) =>
  ({ needs }: HotStatement): boolean =>
    needs === undefined || dialect[needs]

/** All of them, at an instant in µs around which the rows lie. */
export function hotStatementsAt(now: number): readonly HotStatement[] {
  const every = Array.from({ length: 500 }, (_, at) => at * 3)
  const places = every.map((n) => ['flood', `evt-${n}`, n + 1])
  const manyPlaces = Array.from({ length: 500 }, (_, at) => ['flood', `evt-${at * 3}`, at * 3 + 1])
  const claims = places.map((place) => [...place, 'token'])
  const ids = every.map((n) => ['flood', `dlv-${n}`])
  const named = every.map((n) => ['flood', `dlv-${n}`, `evt-${n}`, `sub-${n % 7}`])
  const range = { now, low: 0, high: 255 }
  const lane = { tenant: 'flood', subscription: 'sub-2' }
  const lanes = Object.fromEntries(
    Array.from({ length: 32 }, (_, at) => [
      [`t${at}`, at === 0 ? 'flood' : ''],
      [`s${at}`, at === 0 ? 'sub-1' : ''],
    ]).flat(),
  )
  const firsts = every.map((n, at) => [
    ...[at, 'flood', `evt-${n}`, n + 1, 'token', 1, `dlv-new-${n}`, `sub-${n % 7}`, null, null, 0, 1_000_000],
    ...['succeeded', null, `att-new-${n}`, 'event', 'https://x.test/', now, 5_000, 'succeeded', 200],
    ...[null, null, null, 0, 0],
  ])
  const end = { state: 'succeeded', at: now }
  const changed = ids.map((id) => [...id, end.state, null, null, 1, 200, null, end.at, end.at])

  return [
    { name: 'claim: what is due, and what is next', template: candidates(256, true), values: range },
    { name: 'claim: the same of some buckets', template: candidates(256, false), values: range },
    {
      name: 'claim: the next lanes',
      template: (dialect: Dialect) => dialect.nextLanes(128, 0),
      values: { tenant: 'flood', subscription: 'sub-1' },
    },
    {
      name: 'claim: the first rows of lanes',
      template: lanesRows(16),
      values: { ...range, ...lanes, l: [['flood', 'sub-1']] },
    },
    {
      name: 'claim: lease',
      template: LEASE_LOCKED,
      values: { ...range, w: places, token: 't', lease: 1, alone: 0 },
    },
    {
      name: 'claim: lease and load',
      template: LEASE_EVENTS,
      values: { ...range, w: manyPlaces, token: 't', lease: 1, alone: 0, ask: 0 },
      needs: 'insertsTogether',
    },
    { name: 'claim: load', template: LOAD, values: { w: places, token: 't' } },
    {
      name: 'record: first outcomes',
      template: RECORD_FIRST,
      values: { now, o: firsts },
      sortsItsBatch: true,
      needs: 'insertsTogether',
    },
    { name: 'record: lock rows', template: LOCK_ROWS, values: { w: places }, sortsItsBatch: true },
    {
      name: 'record: rows of deliveries',
      template: LOCK_DELIVERY_ROWS,
      values: { w: ids },
      sortsItsBatch: true,
    },
    { name: 'record: lock deliveries', template: LOCK_DELIVERIES, values: { w: named }, sortsItsBatch: true },
    {
      name: 'record: deliveries of events',
      template: LOCK_DELIVERIES_OF_EVENTS,
      values: { w: named },
      sortsItsBatch: true,
    },
    { name: 'record: known attempts', template: READ_ATTEMPTS, values: { w: ids } },
    { name: 'record: change deliveries', template: UPDATE_DELIVERIES, values: { w: changed } },
    { name: 'record: remove rows', template: REMOVE_ROWS, values: { w: places } },
    {
      name: 'record: re-date rows',
      template: REDATE_ROWS,
      values: { w: places.map((place) => [...place, 0, now, 'retry']) },
    },
    { name: 'finish', template: FINISH, values: { w: claims } },
    {
      name: 'hand back',
      template: HAND_BACK,
      values: { now, w: claims.map((claim) => [...claim, 0, null]) },
    },
    {
      name: 'held: the next lanes',
      template: HELD_LANES,
      values: { tenant: 'flood', subscription: 'sub-1' },
    },
    { name: 'held: how many, to a bound', template: COUNT_HELD, values: lanes },
    { name: 'release: the first held rows', template: LOCK_ANY, values: { ...lane, count: 10 } },
    ...HELD_BESIDE_KEYS.map((template, at) => ({
      name: `release: held beside keys, ${at}`,
      template,
      values: { ...lane, count: 10 },
    })),
    { name: 'release: the first of a lane', template: HELD_FIRST, values: lane },
    { name: 'release: the first of few keys', template: FIRST_OF_FEW_KEYS, values: lane },
    {
      name: 'release: all of a short lane',
      template: ALL_OF_SHORT_LANE,
      values: lane,
      sortsItsBatch: true,
    },
    {
      name: 'release: the first of a long lane',
      template: FIRST_OF_LONG_LANE,
      values: lane,
      sortsItsBatch: true,
    },
    {
      name: 'release: the first of all keys',
      template: FIRST_OF_ALL_KEYS,
      values: { ...lane, count: 10 },
      sortsItsBatch: true,
    },
    { name: 'expire', template: EXPIRED, values: { now } },
    { name: 'cancel: what a subscription is owed', template: OWED_TO, values: lane },
    {
      name: 'destinations: the next of a tenant',
      template: PENDING_OF_TENANT,
      values: { tenant: 'flood', delivery: 'dlv-1' },
    },
    { name: 'destinations: the next tenants', template: PENDING_OF_NEXT, values: { tenant: 'flood' } },
    { name: 'destinations: read', template: READ_DESTINATIONS, values: { w: ids } },
    {
      name: 'destinations: replace',
      template: REPLACE_DESTINATIONS,
      values: { w: ids.map((id) => [...id, 'sealed', 'anew']) },
    },
    { name: 'backlog: of all', template: LOOKS.all.first, values: { now } },
    { name: 'backlog: of a tenant', template: LOOK_AT_TENANT, values: { now, tenant: 'flood' } },
    { name: 'backlog: of a subscription', template: LOOKS.lane.first, values: { now, ...lane } },
    { name: 'cancel: one delivery', template: OWED_ONE, values: { tenant: 'flood', delivery: 'dlv-1' } },
  ]
}

/** All of them, on the tables that `fillTables` fills. */
export const hotStatements = hotStatementsAt(FILLED_AT)
