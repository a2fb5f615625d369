/**
 * Prisma 7 over any of its driver adapters. It lends no driver connections, so that all statements run through `$queryRawUnsafe` and
 * `$executeRawUnsafe`, with bound values; give it the driver's client for the work of the store, too, where there is one.
 */
import type { Database, Executor, Joined, Parameter, StatementResult } from '../executor.ts'
import { anyDatabase } from '../executors/any.ts'
import { createDeadline } from '../executors/deadline.ts'
import { has } from '../executors/has.ts'
import { postgresParameters } from '../executors/postgres-values.ts'
import { notAClient, notATransaction } from '../executors/refuse.ts'
import { type ExecutorSettings, QUERY_TIMEOUT_MS } from '../executors/settings.ts'
import { plainly } from './prisma-errors.ts'

/** The subset of the `tx` of `prisma.$transaction(async (tx) => …)` that is used. A PrismaClient is none. */
export interface PrismaTransaction {
  $queryRawUnsafe(query: string, ...values: unknown[]): PromiseLike<unknown>
  $executeRawUnsafe(query: string, ...values: unknown[]): PromiseLike<number>
  readonly $connect?: never
}

/** The subset of a PrismaClient that is used. */
export interface PrismaDatabase {
  $queryRawUnsafe(query: string, ...values: unknown[]): PromiseLike<unknown>
  $executeRawUnsafe(query: string, ...values: unknown[]): PromiseLike<number>
  $transaction(work: never, options?: never): Promise<unknown>
  $connect(): Promise<void>
}

/** Settings of Prisma. */
export interface PrismaSettings extends ExecutorSettings {
  /** The database, as in the schema's datasource. @default what the client says of itself, else `postgresql` */
  readonly provider?: 'postgresql' | 'mysql' | 'sqlite'
  /** The store's own way to the same database (a `pg` Pool …): faster, and it can listen. @default through Prisma */
  readonly client?: object
}

const DIALECTS = { postgresql: 'postgres', mysql: 'mysql', sqlite: 'sqlite' } as const

/** @throws PosthornError `INVALID_OPTION` for anything that is no PrismaClient */
export function prismaDatabase(
  prisma: PrismaDatabase,
  settings: PrismaSettings = {},
): Database<PrismaTransaction> {
  if (!has(prisma, '$queryRawUnsafe', '$executeRawUnsafe', '$transaction', '$connect')) {
    throw notAClient('Prisma', 'a PrismaClient', prisma)
  }
  const own =
    settings.client === undefined ? throughPrisma(prisma, settings) : anyDatabase(settings.client, settings)
  return {
    ...own,
    join(tx): Joined {
      if (!has(tx, '$queryRawUnsafe', '$executeRawUnsafe') || has(tx, '$connect')) {
        throw notATransaction('Prisma', 'the `tx` that `prisma.$transaction(async (tx) => …)` hands out', tx)
      }
      return { query: (sql, parameters) => run(tx, sql, parameters) }
    },
  }
}

function throughPrisma(prisma: PrismaDatabase, settings: PrismaSettings): Database<unknown> {
  const deadline = createDeadline('Prisma', settings)
  const dialect = DIALECTS[settings.provider ?? providerOf(prisma)]
  const limitMs = settings.queryTimeoutMs ?? QUERY_TIMEOUT_MS
  // SQLite knows one level, and Prisma refuses the name of another.
  const isolation = dialect === 'sqlite' ? {} : { isolationLevel: 'ReadCommitted' }
  return {
    dialect,
    driver: 'Prisma',
    query: (sql, parameters) => deadline('a statement', () => plainly(run(prisma, sql, parameters))),
    async transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T> {
      const inside = (tx: PrismaTransaction) =>
        work({ query: (sql, parameters) => plainly(run(tx, sql, parameters)) })
      const options = { ...isolation, maxWait: limitMs, timeout: limitMs }
      const result = await deadline('a transaction', () =>
        plainly(prisma.$transaction(inside as never, options as never)),
      )
      return result as T
    },
    join: () => {
      throw notATransaction('Prisma', 'a Prisma transaction', undefined)
    },
    async close() {},
  }
}

function providerOf(prisma: PrismaDatabase): keyof typeof DIALECTS {
  const { _activeProvider: provider } = prisma as { _activeProvider?: unknown }
  return provider === 'mysql' || provider === 'sqlite' ? provider : 'postgresql'
}

const RETURNS_ROWS =
  /^\s*(select|values|show|pragma|explain)\b|\breturning\b|^\s*with\b(?![\s\S]*\b(insert|(?<!\bfor )update|delete)\b)/i

async function run(
  prisma: Pick<PrismaTransaction, '$queryRawUnsafe' | '$executeRawUnsafe'>,
  sql: string,
  parameters: readonly Parameter[],
): Promise<StatementResult> {
  const values = postgresParameters(parameters)
  if (!RETURNS_ROWS.test(sql)) return { rows: [], rowCount: await prisma.$executeRawUnsafe(sql, ...values) }
  const rows = (await prisma.$queryRawUnsafe(sql, ...values)) as Record<string, unknown>[]
  return { rows, rowCount: rows.length }
}
