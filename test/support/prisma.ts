/** The generated clients of Prisma, over the driver adapters that run without an engine: Postgres, MariaDB, SQLite. */
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient as PostgresClient, type Prisma } from '../../examples/prisma/generated/client.ts'
import type { PrismaDatabase, PrismaTransaction } from '../../src/stores/prisma.ts'
import { PrismaClient as MysqlClient } from '../fixtures/prisma/mysql/client.ts'
import { PrismaClient as SqliteClient } from '../fixtures/prisma/sqlite/client.ts'

/** What the clients of all schemas have in common. */
export interface AnyPrisma extends Omit<PrismaDatabase, '$transaction'> {
  $transaction<T>(
    work: (tx: PrismaTransaction) => Promise<T>,
    options?: { isolationLevel?: Prisma.TransactionIsolationLevel },
  ): Promise<T>
}

/** A client on Postgres. Disconnect it in `afterAll`. */
export const prismaOnPostgres = (url: string, max = 4): PostgresClient =>
  new PostgresClient({ adapter: new PrismaPg({ connectionString: url, max }) })

/** A client on MariaDB. Disconnect it in `afterAll`. */
export const prismaOnMysql = (url: string, connectionLimit = 4): MysqlClient =>
  new MysqlClient({ adapter: new PrismaMariaDb(`${url}?connectionLimit=${connectionLimit}`) })

/** A client on a file of SQLite. Disconnect it in `afterAll`. */
export const prismaOnSqlite = (path: string): SqliteClient =>
  new SqliteClient({ adapter: new PrismaLibSql({ url: `file:${path}` }) })

/** The subset of a client that opens interactive transactions. */
interface Opens<Tx> {
  $transaction(
    work: (tx: Tx) => Promise<void>,
    options: { readonly timeout: number; readonly maxWait: number },
  ): Promise<void>
}

/** A transaction of Prisma that stays open until it is told to end. */
export async function openTransaction<Tx>(
  prisma: Opens<Tx>,
): Promise<{ readonly tx: Tx; commit(): Promise<void>; rollback(): Promise<void> }> {
  const undone = new Error('rolled back by the caller')
  let end: (error?: Error) => void = () => {}
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  let whole: Promise<void> = Promise.resolve()
  const tx = await new Promise<Tx>((resolve, reject) => {
    whole = prisma.$transaction(
      async (tx) => {
        resolve(tx)
        await ended
      },
      { timeout: 60_000, maxWait: 20_000 },
    )
    whole.catch(reject)
  })
  return {
    tx,
    async commit() {
      end()
      await whole
    },
    async rollback() {
      end(undone)
      await whole.catch((error: unknown) => {
        if (error !== undone) throw error
      })
    },
  }
}
