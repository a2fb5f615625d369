/**
 * Where databases differ, as small values with the same names: what a statement looks like, and what a database can do. Nothing
 * else in the store asks which database it talks to.
 */
import type { QueryCompiler } from 'kysely'
import type { TemplateDialect } from './template.ts'

/** A statement that changes rows of a table by a set of rows: `alias` is the table's, `on` may use it and the set's. */
export interface SetChange {
  readonly table: string
  readonly alias: string
  /** `{rows …}`, or another source with an alias. */
  readonly from: string
  readonly on: string
  /** The index by which everybody reaches these rows: a planner that takes another one locks what it reads on the way. */
  readonly index?: string
}

/** Names and types of the schema, and its indexes. */
export interface SchemaDialect {
  /** Ids and other short text, compared byte by byte. */
  readonly id: string
  readonly text: string
  readonly long: string
  readonly small: string
  readonly double: string
  /** A number that the database gives; it is the table's key where `numberIsKey`. */
  readonly number: string
  readonly numberIsKey: boolean
  /** True where an index may have a WHERE. */
  readonly partialIndexes: boolean
  readonly tableSuffix: string
  /** What follows a hot, often updated table. */
  readonly hotSuffix: string
  /** Statements before the tables, for example the schema. */
  before(namespace: string): readonly string[]
}

/** One database. */
export interface Dialect extends TemplateDialect {
  readonly name: 'postgres' | 'mysql' | 'sqlite'
  /** The full name of a table: in its schema, or with its prefix. */
  table(namespace: string, name: string): string
  /** Name of an index, as CREATE INDEX wants it. */
  indexName(namespace: string, name: string): string
  readonly schema: SchemaDialect
  /** Locks the rows that a SELECT reads; empty where a transaction has the database to itself. */
  readonly forUpdate: string
  readonly forShare: string
  /**
   * True when a locking read locks the index entry that led to a row before the row itself, and what its sub-selects read, too. A
   * writer that has the row and wants the entry then waits for a reader that has the entry and wants the row. So rows are found
   * without a lock there, and then locked by the key by which everybody locks them.
   */
  readonly locksOnTheWay: boolean
  /** `forUpdate`, but where `locksOnTheWay` nothing: `lockFound` locks afterwards. */
  readonly lockFound: string
  /** The same, leaving out what others have locked. */
  readonly skipLocked: string
  /** True when an UPDATE may take its rows from a SELECT with `skipLocked`. */
  readonly updatesLocked: boolean
  /** True when one transaction writes at a time, and the others are told to come back. */
  readonly oneWriter: boolean
  /** True when an INSERT may answer with its rows. */
  readonly returning: boolean
  /** True when one statement may insert into several tables. */
  readonly insertsTogether: boolean
  /** True when a sub-select in FROM may use the rows before it. */
  readonly lateral: boolean
  /** Follows an INSERT that is to leave existing rows alone; `column` is any column of the table. */
  keepExisting(column: string): string
  /** An UPDATE of the rows that a set names. `set` gives expressions by column; they are evaluated in this order. */
  update(change: SetChange, set: Readonly<Record<string, string>>): string
  /** A DELETE of the rows that a set names. */
  remove(change: SetChange): string
  /** The next lanes with rows of the stage after (:tenant, :subscription), by index: tenant_id, subscription_id, due_at of the first row. */
  nextLanes(count: number, stage: 0 | 1): string
  /** Up to `count` of the ordering keys in the lane (:tenant, :subscription), or in all lanes of the tenant, from key to key by index: ordering_key. */
  laneKeys(count: number): string
  /**
   * A LIMIT in the order of an index that the planner must follow. Where it might rather read and sort everything, because the table
   * was empty when it was analysed last, the number is one that it cannot see.
   */
  limitByIndex(count: number): string
  /** How to ask the planner for how many rows it takes a statement's result; null where there is none that knows. */
  readonly planned: {
    /** Precedes the statement. */
    readonly explain: string
    /** From the first row of the answer; 0 when it says nothing. */
    rowsOf(row: Readonly<Record<string, unknown>>): number
  } | null
  /** Follows a table's alias to name the index that must serve it, where the planner is known to choose worse. */
  useIndex(name: string): string
  /** A JOIN that is read from left to right, whatever a planner thinks of tables as small as they are on the first day. */
  readonly joinInOrder: string
  readonly compiler: () => QueryCompiler
  /** Statements that prepare the database itself, outside of any transaction; harmless when they are repeated. */
  readonly opening: readonly string[]
  /** Keep other processes from migrating at the same time; they run on the connection of the migration. */
  readonly migrationLock: { readonly take: readonly string[]; readonly free: readonly string[] }
}
