/**
 * Records outcomes: reads what they are about under its locks, decides one by one, writes what changed. However many outcomes, the
 * number of statements is the same.
 */
import { tenantBucket } from '../../patterns.ts'
import type { Outcome, Recorded } from '../../queries.ts'
import { type Book, type BookRow, deliveryIn, enter, keyOf } from './book.ts'
import { LOCK_FREE_EVENTS } from './history.ts'
import { lockFound } from './lock-found.ts'
import { decide, type Verdict } from './outcome.ts'
import { isFirst, recordFirst } from './record-first.ts'
import { attemptLine, changeLine, deliveryLine, distinct, inOrder, type Line } from './record-lines.ts'
import {
  CLEAR_ROWS,
  INSERT_ATTEMPTS,
  INSERT_DELIVERIES,
  INSERT_ROWS,
  LOCK_DELIVERIES,
  LOCK_DELIVERIES_OF_EVENTS,
  LOCK_DELIVERY_ROWS,
  LOCK_ROWS,
  LOCK_SUBSCRIPTIONS,
  READ_ATTEMPTS,
  READ_EVENTS,
  READ_NUMBERS,
  READ_SUBSCRIPTIONS,
  REDATE_ROWS,
  REMOVE_ROWS,
  UPDATE_DELIVERIES,
} from './record-statements.ts'
import {
  attemptOf,
  deliveryOf,
  KIND,
  number,
  rowPlace,
  STAGE,
  text,
  textOrNull,
  toMicros,
  toMs,
} from './rows.ts'
import type { Row, Session, Statements, Template } from './session.ts'

/** `Store.record`: the common outcomes in one statement, the others in one transaction. */
export async function record(session: Session, outcomes: readonly Outcome[]): Promise<readonly Recorded[]> {
  const first = await recordFirst(session, outcomes)
  const left = outcomes.filter((_, at) => first[at] === undefined)
  const rest = (left.length === 0 ? [] : await recordAny(session, left)).values()
  return first.flatMap((recorded) => recorded ?? rest.next().value ?? [])
}

function recordAny(session: Session, outcomes: readonly Outcome[]): Promise<readonly Recorded[]> {
  // First outcomes have nothing stored yet. They are not looked for, unless an insert says that one is there: then again.
  let expectsNothing = outcomes.every(isFirst)
  return session.transaction(async (statements) => {
    const book = await open(statements, outcomes, expectsNothing)
    expectsNothing = false
    const verdicts = outcomes.map((outcome) => decide(book, outcome))
    const finished = finishLast(book, outcomes, verdicts)
    const numbers = await write(statements, book)
    await holdEvents(statements, outcomes, verdicts)
    return verdicts.map((verdict, at) => recordedOf(verdict, numbers, finished.has(at)))
  })
}

/**
 * No queue row keeps a prune from an event to which a lost claim adds a delivery. Whoever has the event now may be removing it: then
 * everything is done again, and finds it gone, or there.
 */
async function holdEvents(
  statements: Statements,
  outcomes: readonly Outcome[],
  verdicts: readonly Verdict[],
): Promise<void> {
  const added = outcomes.filter((_, at) => verdicts[at]?.result === 'late' && verdicts[at]?.delivery?.isNew)
  const w = distinct(added.map(({ tenantId, eventId }) => [tenantId, eventId]))
  if (w.length === 0 || statements.dialect.oneWriter) return
  const held = await statements.rows(LOCK_FREE_EVENTS, { w })
  if (held.length < w.length)
    throw Object.assign(new Error('Somebody else has an event of a late outcome.'), { code: '40001' })
}

/** Removes the rows of claims whose last outcome is among these, if all of their outcomes count; the places of those outcomes. */
function finishLast(
  book: Book,
  outcomes: readonly Outcome[],
  verdicts: readonly Verdict[],
): ReadonlySet<number> {
  const finished = new Set<number>()
  const refused = new Set(outcomes.filter((_, at) => verdicts[at]?.result !== 'recorded').map(rowOf))
  outcomes.forEach((outcome, at) => {
    const row =
      outcome.last === true && !refused.has(rowOf(outcome)) ? book.rows.get(rowOf(outcome)) : undefined
    if (row === undefined || row.kind !== KIND.event || row.token !== outcome.claim.token) return
    row.fate = 'removed'
    finished.add(at)
  })
  return finished
}

const rowOf = ({ claim }: Outcome): string => keyOf(...rowPlace(claim.row))

function recordedOf(verdict: Verdict, numbers: Map<string, number>, finished: boolean): Recorded {
  const { result, record: delivery, attempt } = verdict
  if (delivery === null) return { result, delivery, attempt }
  const number = numbers.get(keyOf(delivery.tenantId, delivery.id)) ?? delivery.number
  const numbered = { ...delivery, number }
  if (finished) return { result, delivery: numbered, attempt, finished }
  return verdict.ended === true
    ? { result, delivery: numbered, attempt, ended: true }
    : { result, delivery: numbered, attempt }
}

async function open(
  statements: Statements,
  outcomes: readonly Outcome[],
  expectsNothing: boolean,
): Promise<Book> {
  const book: Omit<Book, 'now'> & { now: number } = {
    now: 0,
    rows: new Map(),
    events: new Map(),
    subscriptions: new Map(),
    deliveries: new Map(),
    deliveryFor: new Map(),
    attempts: new Map(),
    newAttempts: [],
  }
  const read = async (template: Template, lines: readonly Line[], take: (row: Row) => void) => {
    if (lines.length > 0) for (const row of await statements.rows(template, { w: distinct(lines) })) take(row)
  }
  const lockRowsOf = async (deliveries: readonly Line[]) => {
    if (deliveries.length === 0) return
    const found = await statements.rows(LOCK_DELIVERY_ROWS, { w: distinct(deliveries) })
    for (const row of await lockFound(statements, found)) takeRow(row)
  }
  const takeSubscription = (row: Row) => {
    book.subscriptions.set(keyOf(text(row.tenant_id), text(row.id)), text(row.state))
  }
  const owner = ({ tenantId, delivery }: Outcome): Line[] =>
    delivery.subscriptionId === null ? [] : [[tenantId, delivery.subscriptionId]]
  const waits = ({ next }: Outcome) => next.state === 'pending' || next.state === 'held'
  await read(LOCK_SUBSCRIPTIONS, outcomes.filter(waits).flatMap(owner), takeSubscription)
  await read(READ_SUBSCRIPTIONS, outcomes.filter((one) => !waits(one)).flatMap(owner), takeSubscription)

  const rowOfDelivery = new Map<string, BookRow>()
  const takeRow = (row: Row) => {
    const taken = bookRowOf(row)
    book.rows.set(keyOf(taken.tenantId, taken.eventId, taken.id ?? 0), taken)
    const deliveryId = textOrNull(row.delivery_id)
    if (deliveryId !== null) rowOfDelivery.set(keyOf(taken.tenantId, deliveryId), taken)
  }
  await read(
    LOCK_ROWS,
    outcomes.map(({ claim }) => rowPlace(claim.row)),
    takeRow,
  )
  await read(
    READ_EVENTS,
    outcomes.map(({ tenantId, eventId }) => [tenantId, eventId]),
    (row) => {
      book.now = number(row.now)
      if (row.id === null) return
      const [tenantId, id] = [text(row.tenant_id), text(row.id)]
      book.events.set(keyOf(tenantId, id), {
        id,
        tenantId,
        type: text(row.type),
        dueAt: number(row.due_at),
      })
    },
  )
  if (expectsNothing && outcomes.every((outcome) => isFresh(book, outcome))) return book
  const takeDelivery = (row: Row) => {
    const delivery = deliveryOf(row, '', { held: false, nextAttemptAt: null })
    if (!book.deliveries.has(keyOf(delivery.tenantId, delivery.id)))
      enter(book, { record: delivery, isNew: false, changed: false, row: null })
  }
  const named = ({ tenantId, eventId, delivery: { id, subscriptionId } }: Outcome): Line => [
    ...[tenantId, id, eventId, subscriptionId ?? ''],
  ]
  // Rows before deliveries, here as everywhere: who has lost its claim may find another's row by its delivery.
  const lost = outcomes.filter((outcome) => book.rows.get(rowOf(outcome))?.token !== outcome.claim.token)
  await lockRowsOf(lost.map(({ tenantId, delivery: { id } }) => [tenantId, id]))
  await read(LOCK_DELIVERIES, outcomes.map(named), takeDelivery)
  const unknown = outcomes.filter((outcome) => deliveryIn(book, outcome) === null)
  await read(LOCK_DELIVERIES_OF_EVENTS, unknown.map(named), takeDelivery)
  const attempted = outcomes.flatMap((outcome): Line[] => {
    const delivery = outcome.attempt === null ? null : deliveryIn(book, outcome)
    return delivery === null ? [] : [[outcome.tenantId, delivery.record.id, outcome.attempt?.id ?? '']]
  })
  await read(READ_ATTEMPTS, attempted, (row) => {
    book.attempts.set(keyOf(text(row.tenant_id), text(row.id)), attemptOf(row))
  })
  const pending = [...book.deliveries.values()].filter(({ record: { state } }) => state === 'pending')
  const rowless = pending.filter(({ record: { tenantId, id } }) => !rowOfDelivery.has(keyOf(tenantId, id)))
  await lockRowsOf(rowless.map(({ record: { tenantId, id } }) => [tenantId, id]))
  for (const delivery of pending) {
    const row = rowOfDelivery.get(keyOf(delivery.record.tenantId, delivery.record.id)) ?? null
    delivery.row = row
    const nextAttemptAt = row === null || row.held ? null : toMs(row.dueAt)
    delivery.record = { ...delivery.record, held: row?.held ?? false, nextAttemptAt }
  }
  return book
}

/** Its claim holds, of an event, and no claim before it was lost. */
function isFresh(book: Book, outcome: Outcome): boolean {
  const row = book.rows.get(rowOf(outcome))
  return row?.kind === KIND.event && row.token === outcome.claim.token && row.claimsBefore === 0
}

function bookRowOf(row: Row): BookRow {
  return {
    id: number(row.id),
    tenantId: text(row.tenant_id),
    eventId: text(row.event_id),
    kind: number(row.kind),
    token: textOrNull(row.token),
    claimsBefore: number(row.claims_before) + number(row.lost_alone_before),
    cleared: false,
    fate: 'same',
    held: number(row.stage) === STAGE.held,
    dueAt: number(row.due_at),
    trigger: 'event',
    byHand: false,
  }
}

/** Writes the book; answers the numbers of new deliveries. */
async function write(statements: Statements, book: Book): Promise<Map<string, number>> {
  const numbers = new Map<string, number>()
  const run = async (template: Template, name: string, lines: readonly Line[]) => {
    if (lines.length > 0) await statements.run(template, { [name]: inOrder(lines) })
  }
  const changed = [...new Set(book.deliveries.values())].filter((delivery) => delivery.changed)
  const fresh = changed.filter(({ isNew }) => isNew)
  if (fresh.length > 0) {
    const d = inOrder(fresh.map(({ record: row }) => deliveryLine(row)))
    const inserted = await statements.rows(INSERT_DELIVERIES, { d })
    const w = fresh.map(({ record: { tenantId, id } }): Line => [tenantId, id])
    const rows = statements.dialect.returning ? inserted : await statements.rows(READ_NUMBERS, { w })
    for (const row of rows) numbers.set(keyOf(text(row.tenant_id), text(row.id)), number(row.number))
  }
  const old = changed.filter(({ isNew }) => !isNew)
  await run(
    UPDATE_DELIVERIES,
    'w',
    old.map(({ record: row }) => changeLine(row)),
  )
  await run(INSERT_ATTEMPTS, 'a', book.newAttempts.map(attemptLine))
  const rows = [...book.rows.values()]
  const place = ({ tenantId, eventId, id }: BookRow): Line => [tenantId, eventId, id]
  await run(REMOVE_ROWS, 'w', rows.filter(({ fate }) => fate === 'removed').map(place))
  const waiting = rows.filter(({ fate }) => fate === 'due' || fate === 'held')
  await run(
    REDATE_ROWS,
    'w',
    waiting.map((row) => [...place(row), stageOf(row), row.dueAt, row.trigger, Number(!row.byHand)]),
  )
  const cleared = rows.filter((row) => row.cleared && row.fate === 'same')
  await run(CLEAR_ROWS, 'w', cleared.map(place))
  const added = changed.flatMap(({ record: row, row: queued }): Line[] =>
    queued === null || queued.id !== null
      ? []
      : [
          [
            ...[
              row.tenantId,
              row.eventId,
              stageOf(queued),
              tenantBucket(row.tenantId),
              row.subscriptionId ?? '',
            ],
            ...[row.id, queued.trigger, Number(!queued.byHand), queued.dueAt, toMicros(row.expiresAt)],
          ],
        ],
  )
  await run(INSERT_ROWS, 'w', added)
  return numbers
}

const stageOf = ({ fate }: BookRow): number => (fate === 'held' ? STAGE.held : STAGE.due)
