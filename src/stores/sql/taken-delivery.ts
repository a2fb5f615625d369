/** An addressee's delivery id that is taken: told at once and in words. To try again would not help, and nothing was stored. */
import { PosthornError } from '../../errors.ts'
import type { NewEvent } from '../../records.ts'
import { isTaken, withRetries } from './retry.ts'
import type { Session, Statements } from './session.ts'

/**
 * Runs an append of our own, in a transaction unless it is `inOneStatement`. Of what it inserts only the deliveries of addressees can
 * meet a key that is there: duplicates of events are left out by the statement.
 */
export function refusingTaken<T>(
  session: Session,
  events: readonly NewEvent[],
  inOneStatement: boolean,
  work: (statements: Statements) => Promise<T>,
): Promise<T> {
  const ids = events.flatMap(({ addressee }) => addressee?.id ?? [])
  const told = (error: unknown): never => {
    if (ids.length === 0 || !isTaken(error)) throw error
    const some = ids.slice(0, 3).join(', ')
    const message = `A delivery id of an addressee is taken (one of ${some}). Nothing was stored: publish with a fresh one.`
    throw new PosthornError('CONFLICT', message)
  }
  if (!inOneStatement) return session.transaction((statements) => work(statements).catch(told))
  if (ids.length === 0) return work(session)
  const rows: Statements['rows'] = (template, values) =>
    withRetries(() => session.rowsOnce(template, values).catch(told))
  return work({ ...session, rows })
}
