/**
 * What tells one fault from another, so that the log has a line for each and not for each time. Two steps that met the same code
 * have met two faults, since a step's statements are its own; a database that cannot be asked at all is one fault for all steps.
 */
import type { PosthornError } from '../errors.ts'

/** Errors below an error that are looked at; a chain of causes may bite its tail. */
const DEPTH = 8

/** Codes that say nothing of a statement: nobody reaches the server, or it takes nobody in, is full, busy or takes no writes. */
const NO_DATABASE = new RegExp(
  `^(${[
    'STORE_FAILED|STORE_FULL',
    'ECONN\\w+|EPIPE|ETIMEDOUT|EHOST\\w+|ENET\\w+|ENOTFOUND|EAI_\\w+|EMFILE|ENOSPC',
    '08\\w{3}|53\\w{3}|57P\\w\\w|28\\w{3}|3D000|25006',
    'CONNECT_TIMEOUT|CONNECTION_\\w+|PROTOCOL_CONNECTION_LOST|POOL_\\w+',
    'ER_(CON_COUNT|ACCESS_DENIED|BAD_DB)_ERROR|ER_SERVER_SHUTDOWN|ER_GET_CONNECTION_TIMEOUT|ER_SOCKET_\\w+',
    'ER_CMD_CONNECTION_CLOSED|ER_(DISK|RECORD_FILE)_FULL|ER_OPTION_PREVENTS_STATEMENT',
    'SQLITE_(BUSY|FULL|IOERR|CANTOPEN|READONLY)(_\\w+)?|ERR_SQLITE_ERROR:(5|8|10|13|14)',
  ].join('|')})$`,
)

/** Steps that call a function of the host: its connections are none of the store's. */
const HOSTS: readonly string[] = ['retryIf']

/** A fault: of one step, or of the database, which is null. */
export interface Fault {
  readonly step: string | null
  /** The same for the same fault of the step; made of what was thrown, so there is no end to them. */
  readonly kind: string
}

/** What has happened, told by the deepest code below the error, or by the class of what was thrown. */
export function faultOf(during: string, error: PosthornError): Fault {
  if (error.code !== 'STORE_FAILED') return { step: during, kind: error.code }
  const below = causesOf(error)
  const codes = below.map(codeOf).filter((code) => code !== null)
  // What a store says of a statement has the statement's own code below it.
  const isGeneral = (code: string, at: number) =>
    NO_DATABASE.test(code) && (code !== 'STORE_FAILED' || at === codes.length - 1)
  const general = HOSTS.includes(during) ? undefined : codes.findLast(isGeneral)
  if (general !== undefined) return { step: null, kind: general }
  return { step: during, kind: codes.at(-1) ?? below.at(-1)?.name ?? error.code }
}

/** From the top down. */
function causesOf(error: Error): readonly Error[] {
  const below: Error[] = []
  let { cause } = error
  for (; cause instanceof Error && below.length < DEPTH; { cause } = cause) below.push(cause)
  return below
}

function codeOf(error: Error & { readonly code?: unknown; readonly errcode?: unknown }): string | null {
  const { code, errcode } = error
  if (typeof code !== 'string' || !/^\w{1,64}$/.test(code)) return null
  // node:sqlite has one code for all that SQLite says; the lowest byte of its number tells which.
  return typeof errcode === 'number' ? `${code}:${errcode & 255}` : code
}
