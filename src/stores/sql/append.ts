/** Appends events: the first of two with the same id or key wins, and queue rows come with them, all or nothing. */
import type { Appended, AppendOptions } from '../../queries.ts'
import type { NewEvent } from '../../records.ts'
import { insertAtOnce } from './append-at-once.ts'
import { appendFailure } from './append-failure.ts'
import { type Found, keepExisting, keepInserted, nothingFound, unknownOf } from './append-found.ts'
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
import { type AppendLease, namesOf, valuesOf } from './append-values.ts'
import { inMarked } from './open-transaction.ts'
import { isTransient } from './retry.ts'
import { areDistinct, firstsOf } from './same-events.ts'
import type { JoinedStatements, Row, Session, Statements } from './session.ts'
import { takeBack } from './take-back.ts'
import { refusingTaken } from './taken-delivery.ts'
import type { Values } from './template.ts'

type Answer = { readonly appended: readonly Appended[]; readonly versions: ReadonlyMap<string, number> }

/** `Store.append`. */
export async function append(
  session: Session,
  events: readonly NewEvent[],
  options: AppendOptions<unknown> = {},
): Promise<Answer> {
  if (events.length === 0) return { appended: [], versions: new Map() }
  const { claim: lease, tx, onRefused } = options
  const found =
    tx !== undefined
      ? await insertJoined(session.joined(tx), events, onRefused)
      : await insertOwn(session, events, lease).catch((error) =>
          Promise.reject(appendFailure(error, session.dialect.name)),
        )
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

/**
 * Without an await before the first statement: the caller may have asked for its COMMIT already. A synchronous driver has run them all
 * when this returns, and its errors have been told.
 */
async function insertJoined(
  joined: JoinedStatements,
  events: readonly NewEvent[],
  onRefused: AppendOptions<unknown>['onRefused'],
): Promise<Found> {
  const { atOnce, check, known } = joined
  if (atOnce === undefined) {
    if (check !== undefined) await check()
    const tried: Values[] = []
    return insertAll(joined, events, { known, tried }).catch((cause) => takeBack(joined, tried, cause))
  }
  try {
    return insertAtOnce(atOnce, events)
  } catch (cause) {
    onRefused?.(cause)
    throw cause
  }
}

function insertOwn(
  session: Session,
  events: readonly NewEvent[],
  lease: AppendLease | undefined,
): Promise<Found> {
  const inOneStatement = session.dialect.insertsTogether && areDistinct(events)
  return inOneStatement && events.every(isKeyless)
    ? insertFresh(session, events, lease)
    : refusingTaken(session, events, inOneStatement, (statements) => insertAll(statements, events, { lease }))
}

const isKeyless = ({ addressee, idempotencyKey }: NewEvent): boolean =>
  addressee === undefined && idempotencyKey === null

/** Events without a key are new, unless their caller has chosen an id that is there: a refused statement says so, once. */
async function insertFresh(
  session: Session,
  events: readonly NewEvent[],
  lease: AppendLease | undefined,
): Promise<Found> {
  const found = nothingFound()
  try {
    const values = valuesOf(events, [...events.keys()], lease)
    for (const row of await session.rowsOnce(APPEND_FRESH, values)) keepInserted(found, events, row, lease)
    return found
  } catch (cause) {
    if (!isTransient(cause)) throw cause
    return insertAll(session, events, { lease })
  }
}

interface Way {
  readonly lease?: AppendLease | undefined
  /** False in a caller's transaction of which nothing has said that it is open. @default true */
  readonly known?: boolean
  /** Collects what the statements that insert were run with, the last first. */
  readonly tried?: Values[]
}

async function insertAll(statements: Statements, events: readonly NewEvent[], way: Way): Promise<Found> {
  const { lease } = way
  const found = nothingFound()
  let open = [...events.keys()]
  // More than once only where a first one was itself a duplicate, where a later one has a key of its own, which may be a stored
  // event's, or where the row that refused it was pruned before it was read.
  for (let turn = 0; turn <= events.length + 1 && open.length > 0; turn += 1) {
    const firsts = firstsOf(events, open)
    const distinct = open.filter((at) => firsts.get(at) === at)
    const left = lease === undefined ? undefined : { ...lease, room: lease.room - claimedIn(found) }
    for (const row of await insertRows(statements, events, distinct, { ...way, lease: left }))
      keepInserted(found, events, row, left)
    for (const at of open) {
      const first = found.entries.get(firsts.get(at) ?? at)
      if (firsts.get(at) !== at && first !== undefined && !first.duplicate && isSettledBy(first, events[at]))
        found.entries.set(at, { event: first.event, duplicate: true, work: null })
    }
    const unknown = unknownOf(found, open)
    if (unknown.length > 0) await readExisting(statements, events, unknown, found)
    open = unknownOf(found, unknown)
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

/** Inserts in one statement, or in several, and tells what is new. */
async function insertRows(
  statements: Statements,
  events: readonly NewEvent[],
  indexes: readonly number[],
  { lease, known = true, tried }: Way,
): Promise<readonly Row[]> {
  const { dialect } = statements
  const addressed = indexes.some((at) => events[at]?.addressee !== undefined)
  const values = valuesOf(events, indexes, lease)
  tried?.unshift(values)
  if (dialect.insertsTogether) {
    if (known) return statements.rows(addressed ? APPEND_ADDRESSED : APPEND_PLAIN, values)
    const marked = addressed ? APPEND_MARKED_ADDRESSED : APPEND_MARKED
    return inMarked(statements, values.mark as number, (tx) => statements.rows(marked, { ...values, tx }))
  }
  await statements.run(INSERT_EVENTS, values)
  if (addressed) await statements.run(INSERT_DELIVERIES, values)
  await statements.run(INSERT_QUEUE, values)
  return statements.rows(lease === undefined ? READ_APPENDED : READ_CLAIMED, values)
}

/** The stored event of the same key, or else of the same id. */
async function readExisting(
  statements: Statements,
  events: readonly NewEvent[],
  indexes: readonly number[],
  found: Found,
): Promise<void> {
  const names = namesOf(events, indexes)
  const byId = await statements.rows(READ_EXISTING, names)
  for (const row of [...byId, ...(await statements.rows(READ_EXISTING_KEYS, names))]) keepExisting(found, row)
}
