/**
 * Shows, on Postgres, that a caller's transaction is open, where the driver does not say it. No function of Postgres does, and the
 * clock of a transaction tells it from a lone statement only by chance. But a setting that is local to the transaction ends with it:
 * one statement marks the transaction, the next inserts only where it finds the mark. Without a transaction each is one of its own,
 * so the mark is gone, and nothing is inserted. Both are sent at once: a driver that sends ahead loses no round trip.
 */
import { notOpen } from './executors/refuse.ts'
import type { Row, Statements } from './session.ts'

const SETTING = 'posthorn.tx'

/** The condition, in a statement with the value `tx`. */
export const MARKED = `current_setting('${SETTING}', true) = :tx`

/** Runs a statement with the condition; it returns a row wherever it holds. @throws PosthornError `INVALID_INPUT` where it does not */
export async function inMarked(
  statements: Statements,
  mark: number,
  run: (tx: string) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const tx = String(mark)
  const settled = await Promise.allSettled([
    statements.query(`select set_config('${SETTING}', '${tx}', true)`, []),
    run(tx),
  ])
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  const rows = settled[1].status === 'fulfilled' ? settled[1].value : []
  if (rows.length === 0) throw notOpen()
  return rows
}
