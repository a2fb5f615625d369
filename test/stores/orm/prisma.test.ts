/**
 * Prisma: a double with the raw calls, the bigints and the wrapped errors of a PrismaClient 7 over a real
 * Postgres. (Its generator downloads an engine from a host of its own, which a fresh machine may not reach.)
 */
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type PrismaTransaction, prismaDatabase } from '../../../src/stores/sql/orm/prisma.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { executorContract } from '../executors/contract.ts'

const INSERT = 'insert into orders (id, total) values ($1, $2)'

const { url, drop } = await createPostgresDatabase()
const pool = new pg.Pool({ connectionString: url, max: 4 })
await pool.query('create table orders (id text primary key, total bigint)')

afterAll(async () => {
  await pool.end()
  await drop()
})

class PrismaClientKnownRequestError extends Error {
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

const prisma = {
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
}

const transaction = async (work: (tx: PrismaTransaction) => Promise<void>): Promise<void> => {
  await prisma.$transaction(work)
}

executorContract({
  name: 'through Prisma',
  database: () => prismaDatabase(prisma),
  transaction,
  placeholder: (index) => `$${index}`,
})
executorContract({
  name: 'with a client for the work of the store',
  database: () => prismaDatabase(prisma, { client: pool }),
  transaction,
  placeholder: (index) => `$${index}`,
})

describe('Prisma', () => {
  beforeEach(async () => {
    await pool.query('delete from orders')
  })

  it('shows the code of the database in errors of own statements, and leaves those of the caller as they are', async () => {
    const database = prismaDatabase(prisma)
    await database.query(INSERT, ['a', 1])
    await expect(database.query(INSERT, ['a', 1])).rejects.toMatchObject({ code: '23505' })
    await expect(database.transaction((tx) => tx.query(INSERT, ['a', 1]))).rejects.toMatchObject({
      code: '23505',
    })
    await expect(
      prisma.$transaction((tx) => database.join(tx).query(INSERT, ['a', 1])),
    ).rejects.toBeInstanceOf(PrismaClientKnownRequestError)
  })

  it('runs own transactions in READ COMMITTED', async () => {
    const level = await prismaDatabase(prisma).transaction(
      async (tx) => (await tx.query('show transaction isolation level', [])).rows,
    )
    expect(level).toEqual([{ transaction_isolation: 'read committed' }])
  })

  it('refuses the client as tx, and anything else as a client', () => {
    expect(() => prismaDatabase(prisma).join(prisma as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }),
    )
    expect(() => prismaDatabase(pool as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
