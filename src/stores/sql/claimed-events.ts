/** The events of claimed rows: one record, with its body once, for all rows of an event, however many of its deliveries were claimed. */
import type { EventRecord } from '../../records.ts'
import { BODIES } from './claim-statements.ts'
import { eventOfClaim, KIND, number, text, textOrNull } from './rows.ts'
import type { Row, Session } from './session.ts'

/** Reads the bodies that rows of deliveries lack. Gives the event of a row that has one. */
export async function claimedEvents(
  session: Session,
  rows: readonly Row[],
): Promise<(row: Row) => EventRecord> {
  const ofEvents = rows.filter((row) => row.e_type !== null)
  const places = new Map(ofEvents.map((row) => [nameOf(row), row]))
  const bodies = new Map<string, string | null>()
  for (const row of ofEvents)
    if (number(row.kind) === KIND.event) bodies.set(nameOf(row), textOrNull(row.e_body))
  const w = [...places.values()]
    .filter((row) => !bodies.has(nameOf(row)))
    .map((row) => [text(row.tenant_id), text(row.event_id)])
  const read = w.length === 0 ? [] : await session.rows(BODIES, { w })
  for (const row of read) bodies.set(nameOf(row), textOrNull(row.body))
  const events = new Map<string, EventRecord>()
  for (const [name, row] of places)
    events.set(name, eventOfClaim({ ...row, e_body: bodies.get(name) ?? null }))
  return (row) => events.get(nameOf(row)) as EventRecord
}

const nameOf = (row: Row): string => JSON.stringify([row.tenant_id, row.event_id])
