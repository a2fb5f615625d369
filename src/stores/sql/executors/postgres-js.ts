/** postgres.js (`postgres`): its `sql` as the client, the `sql` of `begin`, of a savepoint or of `reserve` as `tx`. */
import type { Database, Executor, Joined, Parameter, StatementResult } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import { postgresParameters } from './postgres-values.ts'
import { notATransaction } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** What a query of postgres.js resolves to: an array of rows that also carries the count. */
export interface PostgresJsRows extends ReadonlyArray<Record<string, unknown>> {
  readonly count: number | null
}

/** The subset of every `sql` of postgres.js that is used. */
export interface PostgresJsQueryable {
  unsafe(
    query: string,
    parameters?: (string | number | null)[],
    options?: { prepare?: boolean },
  ): PromiseLike<PostgresJsRows> & { cancel?(): void }
}

/** The subset of the `sql` of postgres.js that is used. */
export interface PostgresJs extends PostgresJsQueryable {
  begin(options: string, work: (sql: PostgresJsQueryable) => Promise<unknown>): Promise<unknown>
  listen(channel: string, onMessage: (payload: string) => void): Promise<{ unlisten(): Promise<void> }>
  readonly options: object
}

/** The `sql` of an open transaction of postgres.js. The `sql` of the pool is none. */
export type PostgresJsTransaction = PostgresJsQueryable & ({ savepoint: unknown } | { release(): void })

export function postgresJsDatabase(
  client: PostgresJs,
  settings: ExecutorSettings,
): Database<PostgresJsTransaction> {
  const deadline = createDeadline('postgres.js', settings)
  const rename = renamerOf(client.options)
  const prepare = settings.namedStatements === true

  /** A late statement is cancelled on the server, as far as that still listens: postgres.js cannot drop a connection. */
  async function run(sql: PostgresJsQueryable, text: string, parameters: readonly Parameter[]) {
    const query = sql.unsafe(text, postgresParameters(parameters), { prepare })
    let ended = false
    try {
      return await deadline('a statement', async () => {
        try {
          return resultOf(await query, rename)
        } finally {
          ended = true
        }
      })
    } finally {
      if (!ended) query.cancel?.()
    }
  }

  /** `sql.begin` owns the connection; the deadlines stand around its three steps, since it has none itself. */
  async function transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T> {
    const held = begin(client)
    let result: T
    try {
      const sql = await deadline('waiting for a connection', () => held.opened)
      result = await work({
        query: async (text, parameters) => {
          held.check()
          return run(sql, text, parameters)
        },
      })
      held.check()
    } catch (error) {
      if (!isLostConnection(error)) held.decide('rollback')
      await deadline('a rollback', () => held.ended).catch(() => {})
      throw error
    }
    held.decide('commit')
    await deadline('a commit', () => held.ended)
    return result
  }

  return {
    dialect: 'postgres',
    driver: 'postgres.js',
    query: (sql, parameters) => run(client, sql, parameters),
    transaction,
    join(tx): Joined {
      const given: { unsafe?: unknown; savepoint?: unknown; release?: unknown } | null | undefined = tx
      const open = typeof given?.savepoint === 'function' || typeof given?.release === 'function'
      if (typeof given?.unsafe !== 'function' || !open) {
        throw notATransaction(
          'postgres.js',
          'the `sql` that `sql.begin(async (sql) => …)` hands to its function',
          tx,
        )
      }
      return {
        known: false,
        query: async (text, parameters) =>
          resultOf(await tx.unsafe(text, postgresParameters(parameters), { prepare: false }), rename),
      }
    },
    async listen(channel, onMessage) {
      // The driver keeps the listener of a call that failed or was given up, and calls it when the channel is heard again.
      let live = true
      const heard: typeof onMessage = (payload) => {
        if (live) onMessage(payload)
      }
      try {
        const { unlisten } = await deadline('a statement', () => client.listen(channel, heard), {
          late: (listening) => void listening.unlisten().catch(() => {}),
        })
        return () => {
          live = false
          return deadline('a statement', unlisten)
        }
      } catch (error) {
        live = false
        throw error
      }
    },
    async close() {},
  }
}

/**
 * Opens a transaction and holds it open until `decide` says how it ends. Nothing is sent on a connection that was lost,
 * not even a rollback: postgres.js 3.4 then writes to a socket that is gone, and that ends the process.
 */
function begin(client: PostgresJs) {
  let settle: (end: 'commit' | 'rollback') => void = () => {}
  const decided = new Promise<'commit' | 'rollback'>((resolve) => {
    settle = resolve
  })
  let lost: { readonly error: unknown } | null = null
  let ended: Promise<unknown> = Promise.resolve()
  const opened = new Promise<PostgresJsQueryable>((resolve, reject) => {
    ended = client.begin('isolation level read committed', async (sql) => {
      resolve(sql)
      if ((await decided) === 'rollback') throw new RolledBack()
    })
    ended.catch((error: unknown) => {
      lost = { error }
      reject(error)
    })
  })
  return {
    opened,
    ended,
    decide(end: 'commit' | 'rollback'): void {
      if (lost === null) settle(end)
    },
    /** Throws when the connection was lost. */
    check(): void {
      if (lost !== null) throw lost.error
    },
  }
}

const isLostConnection = (error: unknown): boolean =>
  /^CONNECTION_/.test(String((error as { code?: unknown } | null)?.code))

/** What makes `sql.begin` roll back. */
class RolledBack extends Error {}

type Rename = ((name: string) => string) | null

function resultOf(rows: PostgresJsRows, rename: Rename): StatementResult {
  return {
    rows: rename === null ? rows : rows.map((row) => renamed(row, rename)),
    rowCount: rows.count ?? rows.length,
  }
}

/** The caller may have told postgres.js to rename columns (`transform: postgres.camel`); ours are snake_case. */
function renamerOf(options: object): Rename {
  const { transform } = options as { transform?: { column?: { from?: unknown } } }
  return typeof transform?.column?.from === 'function' ? snakeCase : null
}

const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()

const renamed = (row: Record<string, unknown>, rename: (name: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [rename(name), value]))
