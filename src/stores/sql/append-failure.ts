/**
 * Why a publish on a connection of our own failed, where the caller has to know: the disk is full, or nobody knows whether the
 * event was stored, because the connection ended before the answer came. Other errors stay what the driver threw.
 */
import { PosthornError } from '../../errors.ts'

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
/** No statement was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ER_GET_CONNECTION_TIMEOUT', '45028'])
/** The statement was sent, and the connection ended. Prisma says the numbers of mariadb, not the names. */
const CUT =
  /^(08(?!P01)...|40003|ECONNRESET|EPIPE|ETIMEDOUT|PROTOCOL_CONNECTION_LOST|CONNECTION_(CLOSED|DESTROYED|ENDED)|ER_SOCKET_UNEXPECTED_CLOSE|45009|ER_CMD_CONNECTION_CLOSED|45013)$/

/** What to throw in place of this error. */
export function appendFailure(error: unknown, store: string): unknown {
  if (!(error instanceof Error) || error instanceof PosthornError) return error
  const codes = codesOf(error)
  if (isFull(error)) {
    const message = `The ${store} database has no room left, so nothing was published. Free space, then publish again.`
    return new PosthornError('STORE_FULL', message, { cause: error })
  }
  if (codes.some((code) => NOT_SENT.has(code)) || !isCut(error)) return error
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
    const message = `The ${store} database has no room left: outcomes wait until there is some, for as long as a lease.`
    return new PosthornError('STORE_FULL', message, { cause: error })
  }
  if (isCut(error) || codesOf(error).some((code) => NOT_SENT.has(code))) {
    const message = `The connection to the ${store} database was lost before an outcome was stored, or before it said so: it is told again.`
    return new PosthornError('STORE_FAILED', message, { cause: error, outcomeUnknown: true })
  }
  if (!codesOf(error).some((code) => READ_ONLY.has(code))) return error
  const message = `The ${store} database takes no writes: outcomes wait until it does, for as long as a lease.`
  return new PosthornError('STORE_FAILED', message, { cause: error })
}

/** `pg` gives a connection that was lost no code, but a sentence. */
const isCut = (error: Error): boolean =>
  codesOf(error).some((code) => CUT.test(code)) ||
  /^(connection|client) .*(terminat|clos|not queryable)/i.test(error.message)

const isFull = (error: Error): boolean =>
  codesOf(error).some((code) => FULL.has(code)) || /database or disk is full/i.test(error.message)

function codesOf(error: Error): string[] {
  const { code, errno, errcode, cause } = error as Error & Record<'code' | 'errno' | 'errcode', unknown>
  const own = [code, errno, errcode].filter((value) => value !== undefined).map(String)
  return cause instanceof Error ? [...own, ...codesOf(cause)] : own
}
