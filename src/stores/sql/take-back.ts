/** An append in a caller's transaction has an effect as a whole, or none, also where the transaction goes on after a refused statement. */
import { TAKE_BACK } from './append-statements.ts'
import type { JoinedStatements } from './session.ts'
import type { Values } from './template.ts'

/** MySQL's deadlock: the transaction is over, and whatever ran now would commit by itself. */
const OVER = new Set(['1213', 'ER_LOCK_DEADLOCK'])

/**
 * Takes back what was inserted with these values, the last first, and rejects with the cause. Where a refused statement ends no
 * transaction (MySQL's lock wait timeout), its caller may go on and commit: an event without a queue row would never be delivered,
 * and its key would call every later publish a duplicate. On Postgres there is nothing to take back: such a transaction can only end.
 */
export async function takeBack(
  joined: JoinedStatements,
  tried: readonly Values[],
  cause: unknown,
): Promise<never> {
  if (joined.dialect.insertsTogether || isOver(cause)) throw cause
  try {
    for (const values of tried) for (const template of TAKE_BACK) await joined.run(template, values)
  } catch {
    // Then the transaction is of no more use, as the first error says.
  }
  throw cause
}

function isOver(cause: unknown): boolean {
  const { code, errno } = Object(cause) as { readonly code?: unknown; readonly errno?: unknown }
  return OVER.has(String(code)) || OVER.has(String(errno))
}
