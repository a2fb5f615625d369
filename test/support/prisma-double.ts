/**
 * A double of Prisma, over a real Postgres: the raw calls, the bigints and the wrapped errors of a PrismaClient 7. (Its generator
 * downloads an engine from a host of its own, which a fresh machine may not reach.)
 */
import type pg from 'pg'
import type { PrismaTransaction } from '../../src/stores/sql/orm/prisma.ts'

export class PrismaClientKnownRequestError extends Error {
  readonly code = 'P2010'
  readonly meta: object
  constructor(cause: pg.DatabaseError) {
    super(`Raw query failed. Message: ${cause.message}`)
    this.meta = {
      driverAdapterError: { cause: { originalCode: cause.code, originalMessage: cause.message } },
    }
  }
}

function rawCalls(client: Pick<pg.Pool, 'query'>): PrismaTransaction {
  const run = (text: string, values: unknown[]): Promise<pg.QueryResult> =>
    client.query(text, values).catch((cause: unknown) => {
      throw new PrismaClientKnownRequestError(cause as pg.DatabaseError)
    })
  return {
    async $queryRawUnsafe(text, ...values) {
      const { rows, fields } = await run(text, values)
      const bigints = fields.filter((field) => field.dataTypeID === 20).map((field) => field.name)
      for (const row of rows)
        for (const name of bigints) row[name] = row[name] === null ? null : BigInt(row[name])
      return rows
    },
    $executeRawUnsafe: async (text, ...values) => (await run(text, values)).rowCount ?? 0,
  }
}

/** A PrismaClient over the pool. */
export const prismaDouble = (pool: pg.Pool) => ({
  ...rawCalls(pool),
  _activeProvider: 'postgresql',
  async $connect() {},
  async $transaction<T>(work: (tx: PrismaTransaction) => Promise<T>, options?: { isolationLevel?: string }) {
    const client = await pool.connect()
    try {
      await client.query(
        `begin isolation level ${options?.isolationLevel === 'ReadCommitted' ? 'read committed' : 'repeatable read'}`,
      )
      const result = await work(rawCalls(client))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  },
})
