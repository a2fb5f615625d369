/**
 * The one place where errors of the store's operations are told anew: a database that cannot be asked, tables that are not there, and
 * transactions that had to give way to others once too often are STORE_FAILED in words that name the fix. Whatever else a database says stays what the driver said.
 */
import { PosthornError } from '../../errors.ts'
import { codesOf, connectionFailure } from './connection-failure.ts'
import { schemaProblem } from './migrations.ts'
import { gaveWay } from './retry.ts'
import type { Session } from './session.ts'

type Operation = (...given: unknown[]) => unknown

/** Its errors decide how long an outcome waits, so it tells them itself. @see recordFailure */
const OWN = 'record'

/** Postgres: table, schema. MySQL: table. SQLite has words only. */
const MISSING = new Set(['42P01', '3F000', 'ER_NO_SUCH_TABLE', '1146'])

/** The same operations, called at once and with the same results. Errors in a caller's `tx` pass through untouched. */
export function telling<Operations extends object>(
  operations: Operations,
  session: Session,
  namespace: string,
): Operations {
  const told = Object.entries(operations).map(([name, operation]): [string, unknown] => {
    if (typeof operation !== 'function' || name === OWN) return [name, operation]
    return [name, tellingOf(name, operation as Operation, session, namespace)]
  })
  return Object.fromEntries(told) as Operations
}

function tellingOf(name: string, operation: Operation, session: Session, namespace: string): Operation {
  return (...given) => {
    const result = operation(...given)
    if (!(result instanceof Promise) || (name === 'append' && isJoined(given[1]))) return result
    return result.catch(async (error: unknown) => {
      // What makes the tables lacks none.
      const needs = name === 'migrate' ? null : namespace
      throw await failureOf(error, session, needs)
    })
  }
}

const isJoined = (options: unknown): boolean => (options as { tx?: unknown } | undefined)?.tx !== undefined

async function failureOf(error: unknown, session: Session, namespace: string | null): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof PosthornError) return error
  if (gaveWay(error)) return crowdedOut(error, session.dialect.name)
  const isMissing =
    codesOf(error).some((code) => MISSING.has(code)) || /\bno such table\b/i.test(error.message)
  if (!isMissing) return connectionFailure(error, session.dialect.name) ?? error
  // A trigger may lack a table of the application's own.
  const problem = namespace === null ? null : schemaProblem(session, namespace, error)
  return (await problem?.catch(() => null)) ?? error
}

function crowdedOut(error: Error, store: string): PosthornError {
  const message = `The ${store} database was taken by other transactions for as long as this one was tried again (${String(codesOf(error)[0] ?? error.name)}), so nothing was done. Call again; if it lasts, look for a transaction that is left open.`
  return new PosthornError('STORE_FAILED', message, { cause: error })
}
