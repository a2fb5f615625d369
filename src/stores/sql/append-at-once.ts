/**
 * An append with a synchronous driver in a caller's transaction. Whatever comes after an await runs when that transaction is over,
 * committed or not, so there is none: every statement has run when this returns.
 */
import type { NewEvent } from '../../records.ts'
import { type Found, keepExisting, keepInserted, nothingFound, unknownOf } from './append-found.ts'
import {
  INSERT_DELIVERIES,
  INSERT_EVENTS,
  INSERT_QUEUE,
  READ_APPENDED,
  READ_EXISTING,
  READ_EXISTING_KEYS,
  TAKE_BACK,
} from './append-statements.ts'
import { namesOf, valuesOf } from './append-values.ts'
import { areDistinct } from './same-events.ts'
import type { StatementsAtOnce } from './session.ts'
import type { Values } from './template.ts'

/** Inserts all of them, or none: the caller may go on and commit after an error. @throws what the driver threw */
export function insertAtOnce(statements: StatementsAtOnce, events: readonly NewEvent[]): Found {
  const found = nothingFound()
  const all = [...events.keys()]
  const tried: Values[] = []
  try {
    // One after the other where they name each other: a later one then meets what became of the earlier.
    for (const indexes of areDistinct(events) ? [all] : all.map((at) => [at])) {
      const values = valuesOf(events, indexes)
      tried.unshift(values)
      insert(statements, events, values, found)
      const unknown = unknownOf(found, indexes)
      if (unknown.length > 0) readExisting(statements, events, unknown, found)
    }
    return found
  } catch (cause) {
    takeBack(statements, tried)
    throw cause
  }
}

function insert(
  { run, rows }: StatementsAtOnce,
  events: readonly NewEvent[],
  values: Values,
  found: Found,
): void {
  run(INSERT_EVENTS, values)
  if (events.some(({ addressee }) => addressee !== undefined)) run(INSERT_DELIVERIES, values)
  run(INSERT_QUEUE, values)
  for (const row of rows(READ_APPENDED, values)) keepInserted(found, events, row)
}

function readExisting(
  { rows }: StatementsAtOnce,
  events: readonly NewEvent[],
  unknown: readonly number[],
  found: Found,
): void {
  const names = namesOf(events, unknown)
  for (const row of [...rows(READ_EXISTING, names), ...rows(READ_EXISTING_KEYS, names)])
    keepExisting(found, row)
}

function takeBack({ run }: StatementsAtOnce, tried: readonly Values[]): void {
  try {
    for (const values of tried) for (const template of TAKE_BACK) run(template, values)
  } catch {
    // SQLite has rolled the transaction back itself (a full disk), or it is of no more use, as the first error says.
  }
}
