/**
 * Kysely, with any dialect of Postgres, MySQL or SQLite. Kysely lends no driver connections, so that all statements run through
 * it, without the plugins (one that renames columns would rename ours). On SQLite the store waits its turn on Kysely's one
 * connection.
 */
import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { Database, Joined, Parameter, StatementResult } from '../executor.ts'
import { has } from '../executors/has.ts'
import { BEGIN_OWN, type Loan, ownSide } from '../executors/own-connections.ts'
import { postgresParameters } from '../executors/postgres-values.ts'
import { notAClient, notATransaction, notOpen } from '../executors/refuse.ts'
import type { ExecutorSettings } from '../executors/settings.ts'

/** The subset of a Kysely instance, of its connections and its transactions that is used. */
export interface KyselyQueryable {
  withoutPlugins(): { executeQuery(query: never): Promise<{ rows: unknown[]; numAffectedRows?: bigint }> }
}

/** The subset of a Kysely instance that is used. */
export interface KyselyDatabase extends KyselyQueryable {
  readonly isTransaction: boolean
  connection(): { execute(work: never): Promise<unknown> }
}

/** The `trx` of `db.transaction().execute(async (trx) => …)`, or of `startTransaction()`. */
export interface KyselyTransaction extends KyselyQueryable {
  readonly isTransaction: true
}

/** @throws PosthornError `INVALID_OPTION` for anything that is no Kysely instance over one of the three databases */
export function kyselyDatabase(
  db: KyselyDatabase,
  settings: ExecutorSettings = {},
): Database<KyselyTransaction> {
  if (!has(db, 'connection', 'withoutPlugins', 'getExecutor') || db.isTransaction) {
    throw notAClient('Kysely', 'what `new Kysely(…)` made', db)
  }
  const dialect = dialectOf(db as unknown as Kysely<unknown>)
  const own = ownSide(
    { driver: 'Kysely', dialect, begin: BEGIN_OWN[dialect], borrow: () => borrow(db) },
    settings,
  )
  return {
    ...own,
    join(tx): Joined {
      const open: { isTransaction?: unknown } | null | undefined = tx
      if (open?.isTransaction !== true || !has(tx, 'withoutPlugins')) {
        throw notATransaction(
          'Kysely',
          'the `trx` that `db.transaction().execute(async (trx) => …)` hands out',
          tx,
        )
      }
      return { query: (text, parameters) => run(tx, text, parameters).catch(refuse) }
    },
    async close() {},
  }
}

/** Kysely itself refuses statements after the end, in words. */
function refuse(error: unknown): never {
  throw /^Transaction is already (committed|rolled back)/.test((error as Error | null)?.message ?? '')
    ? notOpen()
    : error
}

function borrow(db: KyselyDatabase): Promise<Loan> {
  return new Promise((lend, refuse) => {
    const hold = (connection: KyselyQueryable) =>
      new Promise<void>((giveBack) => lend(loanOf(connection, giveBack)))
    db.connection()
      .execute(hold as never)
      .catch(refuse)
  })
}

/** A broken connection goes back only when what runs on it has ended: Kysely cannot drop one. */
function loanOf(connection: KyselyQueryable, giveBack: () => void): Loan {
  let last: Promise<unknown> = Promise.resolve()
  return {
    query(text, parameters) {
      const result = run(connection, text, parameters)
      last = result.catch(() => {})
      return result
    },
    end(broken) {
      if (!broken) giveBack()
      else last.then(() => run(connection, 'rollback', [])).then(giveBack, giveBack)
    },
  }
}

async function run(
  db: KyselyQueryable,
  text: string,
  parameters: readonly Parameter[],
): Promise<StatementResult> {
  const query = CompiledQuery.raw(text, postgresParameters(parameters))
  const { rows, numAffectedRows } = await db.withoutPlugins().executeQuery(query as never)
  return {
    rows: rows as Record<string, unknown>[],
    rowCount: rows.length > 0 ? rows.length : Number(numAffectedRows ?? 0),
  }
}

/** Told by how it quotes a name and numbers a placeholder, which holds for dialects of third parties, too. */
function dialectOf(db: Kysely<unknown>): 'postgres' | 'mysql' | 'sqlite' {
  const compiled = sql`${sql.id('a')} ${1}`.compile(db.withoutPlugins()).sql
  if (compiled === '"a" $1') return 'postgres'
  if (compiled === '`a` ?') return 'mysql'
  if (compiled === '"a" ?') return 'sqlite'
  throw notAClient('Kysely', 'a Kysely instance over Postgres, MySQL or SQLite', db)
}
