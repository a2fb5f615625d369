/**
 * `pg`: a Pool (publishes and works), a Client (only publishes: its connection is the caller's), and a connected client
 * as `tx`. Pools of the same shape (`@neondatabase/serverless`, `@vercel/postgres`) go the same way.
 */
import { createHash } from 'node:crypto'
import { PosthornError } from '../../../errors.ts'
import type { Database, Executor, Joined, Parameter, StatementResult } from '../executor.ts'
import { onlyPublishes } from './only-publishes.ts'
import { BEGIN_OWN, ownSide } from './own-connections.ts'
import { watchConnecting } from './pg-connecting.ts'
import { listenOnPg } from './pg-listen.ts'
import { postgresParameters } from './postgres-values.ts'
import { notATransaction, notOpen } from './refuse.ts'
import type { ExecutorSettings } from './settings.ts'

/** A statement as `pg` takes it. */
export interface PgStatement {
  text: string
  values: (string | number | null)[]
  name?: string
  types?: { getTypeParser(): (value: string) => string }
}

/** The subset of a `pg` Client that is used. */
export interface PgClient {
  query(statement: PgStatement): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>
  on(event: 'error' | 'notification', listener: (detail: unknown) => void): unknown
  removeListener(event: string, listener: (detail: unknown) => void): unknown
}

/** The subset of a client borrowed from a `pg` Pool that is used. */
export interface PgPoolClient extends PgClient {
  release(broken?: boolean): void
  listeners(event: 'error'): unknown[]
}

/** The subset of a `pg` Pool that is used. */
export interface PgPool {
  connect(): Promise<PgPoolClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'acquire', listener: (client: PgPoolClient) => void): unknown
  listeners(event: 'error'): unknown[]
  readonly totalCount: number
  readonly options?: { readonly max?: number }
}

/** A connected `pg` client with an open transaction. A Pool is none: its statements run on any connection. */
export type PgTransaction = Pick<PgClient, 'query'> & { readonly totalCount?: never; readonly unsafe?: never }

/** A listener that keeps the `error` event of an idle or lost connection from ending the process; the pool replaces it. */
const survive = (): void => {}

/**
 * A client that is lent, to us or to the caller, has no listener of the pool. It may be lost between two statements of a
 * transaction, or in the very moment in which it is handed over (both messages in one packet): the next statement says so.
 */
function surviveOnLoan(client: PgPoolClient): void {
  if (!client.listeners('error').includes(survive)) client.on('error', survive)
}

export function pgPoolDatabase(pool: PgPool, settings: ExecutorSettings): Database<PgTransaction> {
  const named = settings.namedStatements === true
  // Once for all stores over the pool, and for good: an idle connection can be lost after the store has closed, too.
  if (!pool.listeners('error').includes(survive)) {
    pool.on('error', survive)
    pool.on('acquire', surviveOnLoan)
  }
  const own = ownSide(
    {
      driver: 'pg',
      dialect: 'postgres',
      begin: BEGIN_OWN.postgres,
      watch: () => watchConnecting(pool),
      async borrow() {
        const client = await pool.connect()
        return {
          query: (sql, parameters) => run(client, sql, parameters, named),
          end: (broken) => client.release(broken),
        }
      },
    },
    settings,
  )
  return {
    ...own,
    join,
    checkListen: () => checkListen(pool),
    listen: (channel, onMessage) => listenOnPg(pool, settings, channel, onMessage),
    async close() {},
  }
}

/** A bare client: only publishes, in the caller's own order of statements. */
export function pgClientDatabase(client: PgClient, settings: ExecutorSettings): Database<PgTransaction> {
  const own = { dialect: 'postgres', driver: 'pg', pool: 'a pg Pool' } as const
  return onlyPublishes(
    own,
    { query: (sql, parameters) => run(client, sql, parameters, false) },
    join,
    settings,
  )
}

function join(tx: PgTransaction): Joined {
  const given: { query?: unknown } | null | undefined = tx
  if (typeof given?.query !== 'function' || 'totalCount' in given) {
    throw notATransaction(
      'pg',
      'the client that ran BEGIN (`const client = await pool.connect()`), not the pool',
      tx,
    )
  }
  return { ...onPg(tx), known: isOpen(tx) }
}

/**
 * `pg` 8.21 and newer repeat what the server said after the last statement. While one is running or waiting, a BEGIN that nobody has
 * awaited may be among them: then it is not known, as with an older `pg`.
 */
function isOpen(tx: object): boolean {
  const { readyForQuery: idle, getTransactionStatus } = tx as {
    readyForQuery?: unknown
    getTransactionStatus?: () => unknown
  }
  const status = idle === true ? getTransactionStatus?.call(tx) : undefined
  if (status === 'I') throw notOpen()
  return status === 'T' || status === 'E'
}

/** Statements on a client that somebody else manages. */
export const onPg = (client: Pick<PgClient, 'query'>): Executor => ({
  query: (sql, parameters) => run(client, sql, parameters, false),
})

async function run(
  client: Pick<PgClient, 'query'>,
  sql: string,
  parameters: readonly Parameter[],
  named: boolean,
): Promise<StatementResult> {
  const statement: PgStatement = { text: sql, values: postgresParameters(parameters), types: asSent }
  if (named && parameters.length > 0) statement.name = nameOf(sql)
  const { rows, rowCount } = await client.query(statement)
  return { rows, rowCount: rowCount ?? 0 }
}

/** Values as the server wrote them: `rows.ts` reads them, and the parsers of `pg` would only be in its way. */
const asSent = { getTypeParser: () => (value: string) => value }

/** By content: two stores over one pool give the same text the same name, and never two texts one name. */
const nameOf = (sql: string): string =>
  `posthorn_${createHash('sha256').update(sql).digest('base64url').slice(0, 24)}`

function checkListen(pool: PgPool): void {
  if (pool.options?.max !== 1) return
  throw new PosthornError(
    'INVALID_OPTION',
    'client: to listen takes one connection of the pool for itself; a pool of 1 has none left. Raise `max`.',
    { path: 'client' },
  )
}
