/**
 * Why a publish on a connection of our own failed, where the caller has to know: the disk is full, or nobody knows whether the
 * event was stored, because the connection ended before the answer came. Other errors stay what they are: `telling.ts` knows some of them.
 */
import { PosthornError } from '../../errors.ts'
import { codesOf, isCut, isNotSent } from './connection-failure.ts'

/** Postgres: disk full. MySQL: disk full, table full. SQLite: full. */
const FULL = new Set([
  '53100',
  'ER_DISK_FULL',
  'ER_RECORD_FILE_FULL',
  '1021',
  '1114',
  'SQLITE_FULL',
  '13',
  'ENOSPC',
])

/** What to throw in place of this error. */
export function appendFailure(error: unknown, store: string): unknown {
  if (!(error instanceof Error) || error instanceof PosthornError) return error
  if (isFull(error)) {
    const message = `The ${store} database has no room left, so nothing was published. Free space, then publish again.`
    return new PosthornError('STORE_FULL', message, { cause: error })
  }
  if (isNotSent(error) || !isCut(error)) return error
  const message = `The connection to the ${store} database was lost before it answered, so nobody knows whether the event was stored. Publish it again with the same id or idempotencyKey: it is stored once.`
  return new PosthornError('STORE_FAILED', message, { cause: error, outcomeUnknown: true })
}

/** The server takes no writes now: a replica after a failover, or an operator's switch. */
const READ_ONLY = new Set([
  '25006',
  'ER_OPTION_PREVENTS_STATEMENT',
  '1290',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
  '1792',
])

/** What to throw in place of an error of `record`: where no outcome could be stored, the store says so, and the outcome can wait. */
export function recordFailure(error: unknown, store: string): unknown {
  if (!(error instanceof Error) || error instanceof PosthornError) return error
  if (isFull(error)) {
    const message = `The ${store} database has no room left: outcomes wait until there is some.`
    return new PosthornError('STORE_FULL', message, { cause: error })
  }
  if (isCut(error) || isNotSent(error)) {
    const message = `The connection to the ${store} database was lost before an outcome was stored, or before it said so: it is told again.`
    return new PosthornError('STORE_FAILED', message, { cause: error, outcomeUnknown: true })
  }
  if (!codesOf(error).some((code) => READ_ONLY.has(code))) return error
  const message = `The ${store} database takes no writes: outcomes wait until it does.`
  return new PosthornError('STORE_FAILED', message, { cause: error })
}

const isFull = (error: Error): boolean =>
  codesOf(error).some((code) => FULL.has(code)) || /database or disk is full/i.test(error.message)
