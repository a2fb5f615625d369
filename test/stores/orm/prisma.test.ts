/** Prisma, on a double of its client: each does what every driver does, and errors of own statements show their code. */
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type PrismaTransaction, prismaDatabase } from '../../../src/stores/sql/orm/prisma.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { PrismaClientKnownRequestError, prismaDouble } from '../../support/prisma-double.ts'
import { executorContract } from '../executors/contract.ts'

const INSERT = 'insert into orders (id, total) values ($1, $2)'

const { url, drop } = await createPostgresDatabase()
const pool = new pg.Pool({ connectionString: url, max: 4 })
await pool.query('create table orders (id text primary key, total bigint)')

afterAll(async () => {
  await pool.end()
  await drop()
})

const prisma = prismaDouble(pool)

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
