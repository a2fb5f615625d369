/**
 * Connections that cannot be had, or were lost before the answer came: which errors of the drivers say so, and what a caller is told
 * in place of a bare ECONNREFUSED.
 */
import { PosthornError } from '../../errors.ts'
import type { Dialect } from './dialect.ts'
import { withoutValues } from './discreet.ts'

/** No statement was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ER_GET_CONNECTION_TIMEOUT', '45028'])

/**
 * The statement was sent, and the connection ended: cut, or by an operator (57P01, 57P02), which may meet a statement that has just
 * been committed. Prisma says the numbers of mariadb, not the names.
 */
const CUT =
  /^(08(?!P01)...|40003|57P0[12]|ECONNRESET|EPIPE|ETIMEDOUT|PROTOCOL_CONNECTION_LOST|CONNECTION_(CLOSED|DESTROYED|ENDED)|ER_SOCKET_UNEXPECTED_CLOSE|45009|ER_CMD_CONNECTION_CLOSED|45013)$/

/** The server is not reached, takes nobody in, or not this user, or has no such database. A pooler says it with 08P01. */
const NOT_TAKEN_IN = new RegExp(
  `^(${[
    'ECONN\\w+|EHOST\\w+|ENET\\w+|EAI_\\w+|CONNECT_TIMEOUT|CONNECTION_\\w+|POOL_\\w+|P1001|P2024',
    '08P01|53300|57P0\\d|28\\w{3}|3D000',
    'ER_(CON_COUNT|ACCESS_DENIED|DBACCESS_DENIED|BAD_DB)_ERROR|ER_TOO_MANY_USER_CONNECTIONS|ER_SERVER_SHUTDOWN',
    '1040|1044|1045|1049|1053|1203|ER_SOCKET_\\w+|ER_CONNECTION_TIMEOUT|ER_POOL_\\w+|45012',
    'SQLITE_(CANTOPEN|NOTADB)(_\\w+)?',
  ].join('|')})$`,
)

/** What some drivers say in words alone: a pool that was ended or is full, a handle that was closed, a file that cannot be opened. */
const IN_WORDS = [
  /^timeout exceeded when trying to connect/i,
  /^(cannot use|called end on) (a |the )?pool\b|^pool is (closed|ended)|timeout acquiring a connection/i,
  /database (connection )?(is not open|has closed)|closed database|unable to open database file/i,
]

const LOOK_AT: Readonly<Record<Dialect['name'], string>> = {
  postgres:
    'the server runs and takes connections, and at host, port, database, user and password of the client',
  mysql:
    'the server runs and takes connections, and at host, port, database, user and password of the client',
  sqlite: 'its handle is still open, and at the file and its permissions',
}

/** The codes of an error and of what it came from, numbers as text. */
export function codesOf(error: Error): string[] {
  const { code, errno, errcode, cause } = error as Error & Record<'code' | 'errno' | 'errcode', unknown>
  const own = [code, errno, errcode].filter((value) => value !== undefined).map(String)
  return cause instanceof Error ? [...own, ...codesOf(cause)] : own
}

/** True where nothing can have been done: no connection was there to send it on. */
export const isNotSent = (error: Error): boolean => codesOf(error).some((code) => NOT_SENT.has(code))

/** True where nobody knows what was done. `pg` gives a connection that was lost no code, but a sentence. */
export const isCut = (error: Error): boolean =>
  codesOf(error).some((code) => CUT.test(code)) ||
  /^(connection|client) .*(terminat|clos|not queryable)/i.test(error.message)

/** What to tell in place of this error, or null where it says something else than that the database cannot be asked. */
export function connectionFailure(error: Error, store: Dialect['name']): PosthornError | null {
  const why = messageOf(error)
  const look = `Look whether ${LOOK_AT[store]} that the store was given, then call again.`
  if (!isNotSent(error) && isCut(error)) {
    const message = `The connection to the ${store} database was lost before it answered (${why}), so nobody knows whether it did what it was asked. ${look}`
    return new PosthornError('STORE_FAILED', message, { cause: error, outcomeUnknown: true })
  }
  const said = isNotSent(error) || codesOf(error).some((code) => NOT_TAKEN_IN.test(code))
  if (!said && !IN_WORDS.some((words) => words.test(why))) return null
  const message = `The ${store} database cannot be reached (${why}), so nothing was done. ${look}`
  return new PosthornError('STORE_FAILED', message, { cause: error })
}

/** One line, without values. */
function messageOf(error: Error): string {
  const { message } = withoutValues(error, '', []) as Error
  return message === '' ? (codesOf(error)[0] ?? error.name) : message.replace(/\.$/, '')
}
