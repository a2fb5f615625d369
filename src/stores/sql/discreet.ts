/**
 * Errors without values. Drivers put into their errors what a statement was run with: Postgres the whole row in `detail`, mysql2
 * the statement with its values in `sql`, mariadb even in the message. Those values are secrets, headers and bodies, and errors
 * go to logs. So the errors of the store's own statements are told anew: code, names, and the message without values.
 */
import { PosthornError } from '../../errors.ts'
import type { Database, Executor, Parameter } from './executor.ts'
import { sqliteCodeIn } from './retry.ts'

/** What a database said of a statement, without anything that the statement was run with. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
}

/** What tells codes, places and names. None of it holds a value. */
const KEPT = [
  ...['code', 'errno', 'errcode', 'sqlState', 'sqlstate', 'severity', 'fatal'],
  ...['schema', 'table', 'column', 'dataType', 'constraint', 'schema_name', 'table_name', 'column_name'],
  ...['constraint_name', 'syscall', 'address', 'port', 'hostname'],
]
/** Every kind of quotation mark: servers speak many languages. */
const QUOTES = /["'`´‘’‚‛“”„‟«»‹›「」『』]/u
const WITHHELD = '…'

/** The same database; what its own statements are refused for is told without their values. A caller's `tx` is left alone. */
export function discreet<Tx>(database: Database<Tx>): Database<Tx> {
  return {
    ...database,
    query: quiet(database),
    transaction: (work) => database.transaction((tx) => work({ query: quiet(tx) })),
  }
}

/** Calls at once: with a synchronous driver the statement has run when this returns. */
function quiet(executor: Executor): Executor['query'] {
  return (sql, parameters) =>
    executor.query(sql, parameters).catch((error: unknown) => {
      throw withoutValues(error, sql, parameters)
    })
}

/** The error to tell in place of the driver's. */
export function withoutValues(error: unknown, sql: string, parameters: readonly Parameter[]): unknown {
  if (!(error instanceof Error) || error instanceof PosthornError) return error
  const told = new DatabaseError(messageOf(speaking(error), sql, parameters))
  told.name = error.name
  // Some drivers say only in words what decides whether to try again, and one of the words may be a value, too ("failed").
  const sqliteCode = sqliteCodeIn(error.message)
  if (sqliteCode !== null) Object.assign(told, { sqliteCode })
  const frames = framesOf(error)
  if (frames !== '') told.stack = `${told.name}: ${told.message}${frames}`
  for (const one of causesOf(error)) {
    for (const name of KEPT) {
      const value: unknown = Reflect.get(one, name)
      if (!(name in told) && isPlain(value)) Object.assign(told, { [name]: value })
    }
  }
  return told
}

/** Where a host has two addresses, Node wraps what each of them said in an error without a message. */
function speaking(error: Error): Error {
  const [first] = error instanceof AggregateError && error.message === '' ? (error.errors as unknown[]) : []
  return first instanceof Error ? first : error
}

/** The first line of the message without anything that was bound, and without quoted text that is no name of the statement. */
function messageOf({ message }: Error, sql: string, parameters: readonly Parameter[]): string {
  const bound = texts(parameters).filter((text) => text.length >= 4)
  const known = bound
    .sort((a, b) => b.length - a.length)
    .reduce((rest, text) => rest.replaceAll(text, WITHHELD), message)
  const [line = ''] = known.split(/\n|\bsql: /u, 1)
  const parts = line.replaceAll("n't ", ' not ').split(QUOTES)
  const isName = (text: string) => /^[\w.$]+$/.test(text) && sql.includes(text)
  const isSafe = parts.length % 2 === 1 && parts.every((text, index) => index % 2 === 0 || isName(text))
  if (isSafe) return line
  const end = parts.at(-1) ?? ''
  return `${parts[0]}${WITHHELD}${/^[ a-z]{0,40}(at (row|line) \d+)?$/.test(end) ? end : ''}`
}

/** All texts that were bound, also those inside JSON. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...inside(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(texts)
}

function inside(text: string): string[] {
  if (!/^[[{]/.test(text)) return []
  try {
    return texts(JSON.parse(text))
  } catch {
    return []
  }
}

/** The lines of the stack behind the message, which stands at its beginning. */
function framesOf({ stack, message }: Error): string {
  const text = typeof stack === 'string' ? stack : ''
  const end = text.lastIndexOf(message)
  return end === -1 ? '' : (/(?:\n {4}at .*)+$/.exec(text.slice(end + message.length))?.[0] ?? '')
}

/** The error and what it came from; a chain that bites its tail ends. */
function causesOf(error: Error, depth = 0): readonly Error[] {
  const { cause } = error
  return cause instanceof Error && depth < 5 ? [error, ...causesOf(cause, depth + 1)] : [error]
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && /^[\w.$:-]{1,128}$/.test(value))
