/**
 * Locks queue rows that were looked for by something else than their place: a delivery, a subscription, an event. Where a locking
 * read locks what it comes by, they are found without a lock, and locked by their places in everybody's order.
 */
import { LOCK_ROWS } from './record-statements.ts'
import { number, text } from './rows.ts'
import type { Row, Statements } from './session.ts'

type Place = [tenantId: string, eventId: string, id: number]

/** In the order in which everybody locks queue rows. */
export function byPlace<Line extends readonly [string, string, number, ...unknown[]]>(lines: Line[]): Line[] {
  return lines.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]) || a[2] - b[2])
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * The rows of `found` (from a statement with `dialect.lockFound`) that are still there, now locked. What they were found by must be
 * what never changes in a row.
 */
export async function lockFound(statements: Statements, found: readonly Row[]): Promise<readonly Row[]> {
  return statements.dialect.locksOnTheWay ? lockPlaces(statements, found) : found
}

/** The same of rows that no database has locked yet. */
export async function lockPlaces(statements: Statements, found: readonly Row[]): Promise<readonly Row[]> {
  if (statements.dialect.oneWriter || found.length === 0) return found
  const w = found.map((row): Place => [text(row.tenant_id), text(row.event_id), number(row.id)])
  return statements.rows(LOCK_ROWS, { w: byPlace(w) })
}
