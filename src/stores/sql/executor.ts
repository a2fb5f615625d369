/**
 * What the SQL store needs of a database client, in one method and a half. Each driver has its small adapter in
 * `executors/`; handles of the caller are typed structurally there, so that no driver is a dependency.
 *
 * Values: parameters are strings, numbers, null (and, on Postgres, arrays of them); JSON travels as text, instants as
 * numbers. Results may come back in a driver's own taste (numbers as strings or bigints): `rows.ts` reads them. Columns of
 * results are named in snake_case: postgres.js may have been told to rename them, and that is undone.
 *
 * Own statements (`query`, `transaction`) run under a client-side deadline (`executors/settings.ts`); `join` has none. An
 * own SQLite connection waits for no lock (it would stop the event loop): SQLITE_BUSY comes at once and is retried above.
 */

/** What a statement returned: its rows by column name, and how many rows it returned or changed. */
export interface StatementResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly rowCount: number
}

/** A value that a statement can bind. */
export type Parameter = string | number | null | readonly (string | number | null)[]

/** Runs statements: on a pool, on one connection, or in a transaction. */
export interface Executor {
  /**
   * Runs one statement. Placeholders are `$1` … on Postgres and `?` elsewhere. With a synchronous driver the statement
   * has run before the promise is returned. Rejects with the driver's own error, untouched.
   */
  query(sql: string, parameters: readonly Parameter[]): Promise<StatementResult>
  /**
   * Only with synchronous drivers: the same, at once. In a synchronous transaction of the caller (better-sqlite3) whatever
   * comes after an `await` runs after the commit, so statements that depend on each other go this way.
   */
  querySync?(sql: string, parameters: readonly Parameter[]): StatementResult
}

/**
 * A transaction of the caller. That it is open is known when this is made, or must still be shown: otherwise the statements of a
 * publish would be committed one by one, whatever becomes of the caller's own.
 */
export interface Joined extends Executor {
  /** False where nothing has said so yet: the first statement shows it itself (`open-transaction.ts`, Postgres). @default true */
  readonly known?: boolean
  /** Asks the server, where an answer of it tells (MySQL). @throws PosthornError `INVALID_INPUT` when none is open */
  check?(): Promise<void>
}

/** The store's own side of a database: connections that no caller shares. */
export interface Database<Tx = never> extends Executor {
  readonly dialect: 'postgres' | 'mysql' | 'sqlite'
  /** For messages: `pg`, `postgres.js`, `mysql2` … */
  readonly driver: string
  /** Runs `work` in a transaction of its own (READ COMMITTED; BEGIN IMMEDIATE on SQLite): commits, or rolls back and rethrows. */
  transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T>
  /** The caller's open transaction as an executor. Throws PosthornError `INVALID_INPUT` for anything else, as far as it can be seen. */
  join(tx: Tx): Joined
  /** Only where the one session is the caller's (a bare `pg.Client`): throws, since a worker's statements would mix with the caller's. @throws PosthornError `INVALID_OPTION` */
  checkWork?(): void
  /** Called before the first `listen`, when the store is made. @throws PosthornError `INVALID_OPTION` where it could never work */
  checkListen?(): void
  /**
   * Wake-up hints between processes, where the database has them (Postgres LISTEN), with what they say. Under the deadline of a
   * statement. Returns the way to stop, which waits for nothing that a lost connection could withhold for ever.
   */
  listen?(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>
  /** Closes what the adapter opened itself; never the caller's client. */
  close(): Promise<void>
}
