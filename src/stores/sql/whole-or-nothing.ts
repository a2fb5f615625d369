/** An append in several statements: all of them have an effect, or none has, also in a transaction that goes on after a refused one. */
import { TAKE_BACK_DELIVERIES, TAKE_BACK_EVENTS, TAKE_BACK_QUEUE } from './append-statements.ts'
import type { JoinedStatements, Row, Statements } from './session.ts'
import type { Values } from './template.ts'

/** MySQL's deadlock: the transaction is over, and whatever ran now would commit by itself. */
const OVER = new Set(['1213', 'ER_LOCK_DEADLOCK'])

/** Runs the steps one after the other, then reads. A transaction of our own rolls back what a refused step leaves; a caller's need not. */
export async function wholeOrNothing(
  statements: Statements | JoinedStatements,
  values: Values,
  steps: readonly (() => Promise<unknown>)[],
  read: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    for (const step of steps) await step()
    return await read()
  } catch (cause) {
    if ('known' in statements && !isOver(cause)) await takeBack(statements, values)
    throw cause
  }
}

function isOver(cause: unknown): boolean {
  const { code, errno } = Object(cause) as { readonly code?: unknown; readonly errno?: unknown }
  return OVER.has(String(code)) || OVER.has(String(errno))
}

/**
 * Where a refused statement ends no transaction (MySQL's lock wait timeout), its caller may go on and commit: an event without a queue
 * row would never be delivered, and its key would call every later publish a duplicate.
 */
async function takeBack(statements: Statements, values: Values): Promise<void> {
  try {
    for (const template of [TAKE_BACK_QUEUE, TAKE_BACK_DELIVERIES, TAKE_BACK_EVENTS])
      await statements.run(template, values)
  } catch {
    // Then the transaction is of no more use, as the first error says.
  }
}
