/**
 * SQLite through any synchronous driver: `node:sqlite`, better-sqlite3, libsql, `bun:sqlite`, told by shape.
 *
 * A handle on a file: the store works on a second connection that it opens to the same file, `new handle.constructor(file)`,
 * and closes itself; the caller's handle is only written to with `tx`. A database in memory, or a handle whose constructor
 * opens no such file (a wrapper, an encrypted database): one connection, on which the store's statements wait
 * while a transaction is open.
 */
import { nextTurn, systemClock } from '../../../clock.ts'
import type { Database, Executor, Joined } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import { notAClient, notATransaction } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'
import {
  fileOf,
  inTransaction,
  isSqliteHandle,
  type RunStatement,
  type SqliteHandle,
  statementsOf,
} from './sqlite-handle.ts'
import { createTurns } from './sqlite-turns.ts'

/** Settings of SQLite. */
export interface SqliteSettings extends ExecutorSettings {
  /**
   * Opens the store's own connection to the same file, where the driver's constructor needs more than the path (a key,
   * an extension); false: share the caller's. @default `new handle.constructor(file)`
   */
  readonly openConnection?: false | ((file: string) => SqliteHandle)
}

/** A client of the caller, and at the same time what `publish(…, { tx })` takes while a transaction is open on it. */
export type SqliteClient = SqliteHandle

/** @throws PosthornError `INVALID_OPTION` for anything that is no SQLite handle */
export function sqliteDatabase(client: SqliteClient, settings: SqliteSettings = {}): Database<SqliteHandle> {
  if (!isSqliteHandle(client)) {
    throw notAClient('SQLite', 'a handle of node:sqlite, better-sqlite3, libsql or bun:sqlite', client)
  }
  const deadline = createDeadline('SQLite', settings)
  const file = fileOf(client)
  const joined = new WeakMap<SqliteHandle, Executor>()
  let opened: OwnConnection | null = null
  const own = (): OwnConnection => {
    opened ??= ownConnection(client, file, settings)
    return opened
  }
  const turns = createTurns(() => own().shared && inTransaction(own().handle), settings.clock ?? systemClock)

  async function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    await deadline('waiting for the end of a transaction', turns.take, { late: turns.give })
    try {
      return await work()
    } finally {
      turns.give()
    }
  }

  return {
    dialect: 'sqlite',
    driver: 'SQLite',

    query(sql, parameters) {
      if (turns.free()) return settled(() => own().run(sql, parameters))
      return inTurn(() => own().run(sql, parameters))
    },

    async transaction(work) {
      const result = await inTurn(async () => {
        const { handle, run } = own()
        handle.exec('begin immediate')
        try {
          const made = await work(synchronous(run))
          handle.exec('commit')
          return made
        } catch (error) {
          if (inTransaction(handle)) handle.exec('rollback')
          throw error
        }
      })
      // All of it has run in one go. Whoever awaits one publish after another would keep the event loop from everything else:
      // requests would look slow, and the host's own would wait.
      await new Promise<void>(nextTurn)
      return result
    },

    join(tx): Joined {
      const expected = 'the handle on which the transaction is open'
      if (!isSqliteHandle(tx) || (tx !== client && (file === null || fileOf(tx) !== file))) {
        throw notATransaction('SQLite', `${expected}, of the same database as the store`, tx)
      }
      if (!inTransaction(tx)) {
        throw notATransaction(
          'SQLite',
          `${expected}: none is open on it now (an async function has no synchronous one)`,
          tx,
        )
      }
      const executor = joined.get(tx) ?? onSqlite(tx)
      joined.set(tx, executor)
      return executor
    },

    /** A store that starts again opens it again. */
    async close() {
      if (opened?.shared === false) opened.handle.close()
      opened = null
    },
  }
}

interface OwnConnection {
  readonly handle: SqliteHandle
  readonly run: RunStatement
  readonly shared: boolean
}

function ownConnection(client: SqliteHandle, file: string | null, settings: SqliteSettings): OwnConnection {
  const second = file === null ? null : secondConnection(client, file, settings.openConnection)
  const handle = second ?? client
  return { handle, run: statementsOf(handle), shared: second === null }
}

/**
 * Its busy timeout is 0: a synchronous wait would stop the event loop that has to commit the caller's transaction. It
 * syncs to disk as the caller's handle does.
 */
function secondConnection(
  client: SqliteHandle,
  file: string,
  open: SqliteSettings['openConnection'],
): SqliteHandle | null {
  if (open === false) return null
  const opened = open === undefined ? construct(client, file) : open(file)
  if (opened === null) return null
  const [row] = client.prepare('pragma synchronous').all()
  opened.exec('pragma busy_timeout = 0')
  opened.exec(`pragma synchronous = ${Number(Object.values(Object(row))[0])}`)
  return opened
}

function construct(client: SqliteHandle, file: string): SqliteHandle | null {
  const Handle = client.constructor as new (file: string) => unknown
  let made: unknown
  try {
    made = new Handle(file)
    if (isSqliteHandle(made) && fileOf(made) === file) return made
  } catch {
    // A wrapper, or a file that needs a key: the caller's own handle is shared then.
  }
  if (isSqliteHandle(made)) made.close()
  return null
}

/** Statements on a handle that somebody else manages. */
export const onSqlite = (handle: SqliteHandle): Executor => synchronous(statementsOf(handle))

const synchronous = (run: RunStatement): Executor => ({
  query: (sql, parameters) => settled(() => run(sql, parameters)),
  querySync: run,
})

/** The statement has run when this returns; an error rejects. */
function settled<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}
