/** Appends events: the first of two with the same id or key wins, and queue rows come with them, all or nothing. */
import { tenantBucket } from '../../patterns.ts'
import type { Appended, AppendOptions } from '../../queries.ts'
import type { DeliveryRecord, EventRecord, NewEvent, Work } from '../../records.ts'
import { eventRecord } from '../event.ts'
import { appendFailure } from './append-failure.ts'
import {
  APPEND_ADDRESSED,
  APPEND_FRESH,
  APPEND_MARKED,
  APPEND_MARKED_ADDRESSED,
  APPEND_PLAIN,
  INSERT_DELIVERIES,
  INSERT_EVENTS,
  INSERT_QUEUE,
  READ_APPENDED,
  READ_CLAIMED,
  READ_EXISTING,
  READ_EXISTING_KEYS,
} from './append-statements.ts'
import { inMarked } from './open-transaction.ts'
import { isTransient } from './retry.ts'
import {
  asStoredEvent,
  copied,
  eventOf,
  instant,
  jsonOrNull,
  number,
  numberOrNull,
  rowName,
  toMicros,
  toMs,
} from './rows.ts'
import type { JoinedStatements, Row, Session, Statements } from './session.ts'
import { refusingTaken } from './taken-delivery.ts'
import type { Values } from './template.ts'
import { wholeOrNothing } from './whole-or-nothing.ts'

type Answer = { readonly appended: readonly Appended[]; readonly versions: ReadonlyMap<string, number> }
type Lease = NonNullable<AppendOptions<never>['claim']>

/** `Store.append`. */
export async function append(
  session: Session,
  events: readonly NewEvent[],
  options: AppendOptions<unknown> = {},
): Promise<Answer> {
  if (events.length === 0) return { appended: [], versions: new Map() }
  const { claim: lease, tx, onRefused } = options
  const own = () =>
    session.dialect.changesInCommon
      ? insertFresh(session, events, lease)
      : refusingTaken(session, events, (statements) => insertAll(statements, events, lease))
  const found =
    tx !== undefined
      ? await insertJoined(session.joined(tx, onRefused), events)
      : await own().catch((error) => Promise.reject(appendFailure(error, session.dialect.name)))
  const versions = new Map<string, number>()
  for (const { tenantId } of events) versions.set(tenantId, found.versions.get(tenantId) ?? 0)
  const appended = events.map((_, at): Appended => {
    const entry = found.entries.get(at)
    if (entry === undefined)
      throw new Error('An event was neither inserted nor found: its rows change by hand.')
    return entry
  })
  return { appended, versions }
}

/** For each of these events the index of the first one of them with its key or id. */
function firstsOf(events: readonly NewEvent[], open: readonly number[]): ReadonlyMap<number, number> {
  const byKey = new Map<string, number>()
  const byId = new Map<string, number>()
  const firsts = new Map<number, number>()
  for (const at of open) {
    const event = events[at]
    if (event === undefined) continue
    const { tenantId, id, idempotencyKey } = event
    const key = idempotencyKey === null ? null : JSON.stringify([tenantId, idempotencyKey])
    const name = JSON.stringify([tenantId, id])
    const first = (key === null ? undefined : byKey.get(key)) ?? byId.get(name) ?? at
    firsts.set(at, first)
    // A key of its own waits with it: whether it is stored with it is not known before the next turn.
    if (key !== null && !byKey.has(key)) byKey.set(key, at)
    if (first === at) byId.set(name, at)
  }
  return firsts
}

interface Found {
  readonly entries: Map<number, Appended>
  readonly versions: Map<string, number>
}

/** Events without a key are new, unless their caller has chosen an id that is there: a refused statement says so, once. */
async function insertFresh(
  session: Session,
  events: readonly NewEvent[],
  lease: Lease | undefined,
): Promise<Found> {
  const found: Found = { entries: new Map(), versions: new Map() }
  const isFresh = events.every(
    ({ addressee, idempotencyKey }) => addressee === undefined && idempotencyKey === null,
  )
  if (!isFresh) return refusingTaken(session, events, (statements) => insertAll(statements, events, lease))
  const all = events.map((_, at) => at)
  try {
    for (const row of await session.rowsOnce(APPEND_FRESH, valuesOf(events, all, lease)))
      keep(found, events, row, lease)
    return found
  } catch (cause) {
    if (!isTransient(cause)) throw cause
    return insertAll(session, events, lease)
  }
}

/** Without an await where the driver is synchronous: the statements have run when this returns. */
async function insertJoined(joined: JoinedStatements, events: readonly NewEvent[]): Promise<Found> {
  if (joined.check !== undefined) await joined.check()
  return insertAll(joined, events, undefined, joined.known)
}

async function insertAll(
  statements: Statements,
  events: readonly NewEvent[],
  lease: Lease | undefined,
  isKnown = true,
): Promise<Found> {
  const found: Found = { entries: new Map(), versions: new Map() }
  let open = events.map((_, at) => at)
  // More than once only where a first one was itself a duplicate, where a later one has a key of its own, which may be a stored
  // event's, or where the row that refused it was pruned before it was read.
  for (let turn = 0; turn <= events.length + 1 && open.length > 0; turn += 1) {
    const firsts = firstsOf(events, open)
    const distinct = open.filter((at) => firsts.get(at) === at)
    const left = lease === undefined ? undefined : { ...lease, room: lease.room - claimedIn(found) }
    for (const row of await insertRows(statements, events, distinct, left, isKnown))
      keep(found, events, row, left)
    for (const at of open) {
      const first = found.entries.get(firsts.get(at) ?? at)
      if (firsts.get(at) !== at && first !== undefined && !first.duplicate && isSettledBy(first, events[at]))
        found.entries.set(at, { event: first.event, duplicate: true, work: null })
    }
    const unknown = open.filter((at) => !found.entries.has(at))
    if (unknown.length > 0) await readExisting(statements, events, unknown, found)
    open = unknown.filter((at) => !found.entries.has(at))
  }
  return found
}

/** Later turns have only the room that the earlier ones left. */
const claimedIn = ({ entries }: Found): number =>
  [...entries.values()].filter(({ work }) => work !== null).length

/** Whether the first one in the call says what the later one is: of the same id only, a key of the later one is looked for first. */
function isSettledBy({ event }: Appended, later: NewEvent | undefined): boolean {
  return later?.idempotencyKey == null || later.idempotencyKey === event.idempotencyKey
}

/** Inserts in one statement, or in several that do not wait for each other's results: a synchronous driver has then run them all. */
async function insertRows(
  statements: Statements,
  events: readonly NewEvent[],
  indexes: readonly number[],
  lease: Lease | undefined,
  isKnown: boolean,
): Promise<readonly Row[]> {
  const { dialect } = statements
  const addressed = indexes.some((at) => events[at]?.addressee !== undefined)
  const values = valuesOf(events, indexes, lease)
  if (dialect.changesInCommon) {
    if (isKnown) return statements.rows(addressed ? APPEND_ADDRESSED : APPEND_PLAIN, values)
    const marked = addressed ? APPEND_MARKED_ADDRESSED : APPEND_MARKED
    return inMarked(statements, values.mark as number, (tx) => statements.rows(marked, { ...values, tx }))
  }
  const steps = [
    () => statements.run(INSERT_EVENTS, values),
    ...(addressed ? [() => statements.run(INSERT_DELIVERIES, values)] : []),
    () => statements.run(INSERT_QUEUE, values),
  ]
  const read = () => statements.rows(lease === undefined ? READ_APPENDED : READ_CLAIMED, values)
  if (dialect.synchronous) {
    const results = await Promise.allSettled([...steps.map((step) => step()), read()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const last = results.at(-1)
    return last?.status === 'fulfilled' ? (last.value as readonly Row[]) : []
  }
  return wholeOrNothing(statements, values, steps, read)
}

function valuesOf(events: readonly NewEvent[], indexes: readonly number[], lease: Lease | undefined): Values {
  const given: (string | number | null)[][] = []
  const owed: (string | number | null)[][] = []
  const addressees: (string | number | null)[][] = []
  for (const at of indexes) {
    const event = events[at]
    if (event === undefined) continue
    const { id, tenantId, addressee, dueAt, delayMs = 0, skipped } = event
    given.push([
      ...[at, tenantId, id, event.type, event.body, jsonOrNull(event.metadata), event.orderingKey],
      ...[jsonOrNull(event.settings), Number(event.test), Number(skipped), event.idempotencyKey],
      ...[toMicros(event.occurredAt), dueAt === undefined ? null : toMicros(dueAt), toMicros(delayMs)],
    ])
    const to = addressee ?? null
    owed.push([
      ...[at, tenantId, id, tenantBucket(tenantId), to?.id ?? null, to?.subscriptionId ?? null],
      to === null ? null : toMicros(to.maxAgeMs),
    ])
    if (to === null) continue
    const headers = to.headers === null ? null : JSON.stringify(to.headers)
    addressees.push([at, to.destination, to.body, headers, Number(to.test)])
  }
  const mark = Number(crypto.getRandomValues(new BigUint64Array(1))[0]) % Number.MAX_SAFE_INTEGER
  const token = lease?.token ?? null
  return {
    g: given,
    o: owed,
    a: addressees,
    mark,
    token,
    room: lease?.room ?? 0,
    lease: toMicros(lease?.leaseMs ?? 0),
  }
}

function keep(found: Found, events: readonly NewEvent[], row: Row, lease: Lease | undefined): void {
  const at = number(row.n)
  const input = events[at]
  if (input === undefined) return
  found.versions.set(input.tenantId, number(row.version ?? 0))
  if (row.sequence === null) return
  const event = eventRecord(asStoredEvent(input), copied(input.metadata), copied(input.settings), {
    publishedAt: instant(row.published_at),
    dueAt: instant(row.due_at),
    sequence: number(row.sequence),
  })
  const leaseUntil = numberOrNull(row.lease_until)
  const work = lease === undefined || !leaseUntil ? null : workOf(event, input, row, lease)
  found.entries.set(at, { event, duplicate: false, work })
}

function workOf(event: EventRecord, { addressee }: NewEvent, row: Row, lease: Lease): Work {
  const base = {
    claim: { row: rowName(event.tenantId, event.id, number(row.row_id)), token: lease.token },
    tenantId: event.tenantId,
    leaseUntil: instant(row.lease_until),
    lostClaims: 0,
    lostAlone: 0,
    resumed: false,
    event,
  }
  if (addressee === undefined) return { kind: 'event', after: null, upTo: null, ...base }
  const now = instant(row.now)
  const delivery: DeliveryRecord = {
    id: addressee.id,
    number: number(row.number),
    tenantId: event.tenantId,
    eventId: event.id,
    eventType: event.type,
    subscriptionId: addressee.subscriptionId,
    destination: addressee.destination,
    body: addressee.body,
    headers: structuredClone(addressee.headers),
    state: 'pending',
    reason: null,
    test: addressee.test,
    attemptCount: 0,
    roundStart: 0,
    lastStatus: null,
    lastFailure: null,
    createdAt: now,
    updatedAt: now,
    endedAt: null,
    nextAttemptAt: event.dueAt,
    held: false,
    expiresAt: toMs(toMicros(event.dueAt) + toMicros(addressee.maxAgeMs)),
  }
  return { kind: 'delivery', delivery, trigger: 'event', released: false, ...base }
}

/** The stored event of the same key, or else of the same id. */
async function readExisting(
  statements: Statements,
  events: readonly NewEvent[],
  indexes: readonly number[],
  found: Found,
): Promise<void> {
  const w = indexes.flatMap((at) => {
    const event = events[at]
    return event === undefined ? [] : [[at, event.tenantId, event.id, event.idempotencyKey]]
  })
  const rows = [
    ...(await statements.rows(READ_EXISTING, { w })),
    ...(await statements.rows(READ_EXISTING_KEYS, { w })),
  ]
  for (const row of rows)
    found.entries.set(number(row.n), { event: eventOf(row), duplicate: true, work: null })
}
