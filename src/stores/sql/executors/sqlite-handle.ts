/** One SQLite handle of any driver: its shape, its statements, and what it can say of itself. */
import type { Parameter, StatementResult } from '../executor.ts'

/** The subset of a prepared statement that is used. */
export interface SqliteStatement {
  all(...parameters: unknown[]): unknown[]
  run(...parameters: unknown[]): { readonly changes: number | bigint }
}

/** What `node:sqlite`, better-sqlite3, libsql and `bun:sqlite` have in common. */
export interface SqliteHandle {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
}

/** Runs one statement at once. */
export type RunStatement = (sql: string, parameters: readonly Parameter[]) => StatementResult

const MAX_STATEMENTS = 200

/** Statements of one handle, prepared once each. */
export function statementsOf(handle: SqliteHandle): RunStatement {
  const prepared = new Map<string, { readonly statement: SqliteStatement; readonly returnsRows: boolean }>()

  function prepare(sql: string) {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = handle.prepare(sql)
    plainRows(statement)
    const made = { statement, returnsRows: returnsRows(statement, sql) }
    const [oldest] = prepared.keys()
    if (prepared.size >= MAX_STATEMENTS && oldest !== undefined) prepared.delete(oldest)
    prepared.set(sql, made)
    return made
  }

  return (sql, parameters) => {
    const { statement, returnsRows } = prepare(sql)
    if (!returnsRows) return { rows: [], rowCount: Number(statement.run(...parameters).changes) }
    const rows = statement.all(...parameters) as Record<string, unknown>[]
    return { rows, rowCount: rows.length }
  }
}

/** better-sqlite3 says `reader`, node:sqlite lists `columns()`; where neither does, the text tells. */
function returnsRows(statement: SqliteStatement, sql: string): boolean {
  const { reader, columns } = statement as { reader?: unknown; columns?: unknown }
  if (typeof reader === 'boolean') return reader
  if (typeof columns === 'function') return (columns.call(statement) as unknown[]).length > 0
  return /^\s*(select|values|pragma|explain)\b/i.test(sql) || /\breturning\b/i.test(sql)
}

/** Undoes what the caller may have set for all statements of the handle: rows as arrays, numbers as bigints. */
function plainRows(statement: SqliteStatement): void {
  const settings = statement as unknown as Partial<Record<string, unknown>>
  for (const name of ['setReturnArrays', 'setReadBigInts', 'safeIntegers']) {
    const set = settings[name]
    if (typeof set === 'function') set.call(statement, false)
  }
}

/** Is a transaction open? Where the driver cannot say (node:sqlite before Node 22.16), a BEGIN that is taken back tells. */
export function inTransaction(handle: SqliteHandle): boolean {
  const { isTransaction, inTransaction } = handle as { isTransaction?: unknown; inTransaction?: unknown }
  if (typeof isTransaction === 'boolean') return isTransaction
  if (typeof inTransaction === 'boolean') return inTransaction
  try {
    handle.exec('begin')
  } catch (error) {
    if (/within a transaction/i.test(String(error))) return true
    throw error
  }
  handle.exec('rollback')
  return false
}

/**
 * The file of the handle's main database, the first in the list; null for one in memory or a temporary one. Not by a SELECT, which
 * would read the schema and fail while another process has locked the file.
 */
export function fileOf(handle: SqliteHandle): string | null {
  const [row] = handle.prepare('pragma database_list').all()
  const file = Object.values(Object(row))[2]
  return typeof file === 'string' && file !== '' ? file : null
}

/** Has it the shape of a handle? */
export function isSqliteHandle(value: unknown): value is SqliteHandle {
  if (value === null || typeof value !== 'object') return false
  const { prepare, exec, close, batch } = value as Partial<Record<string, unknown>>
  // With `batch` it is an asynchronous client of the same look (D1).
  return [prepare, exec, close].every((method) => typeof method === 'function') && batch === undefined
}
