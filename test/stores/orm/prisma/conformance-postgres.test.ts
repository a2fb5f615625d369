/** The store passes the conformance kit when all of its work goes through Prisma, on Postgres. */
import { afterAll, describe } from 'vitest'
import { prismaStore } from '../../../../src/stores/prisma.ts'
import { createPostgresDatabase } from '../../../support/databases/postgres.ts'
import { openTransaction, prismaOnPostgres } from '../../../support/prisma.ts'
import { runKit } from '../../run-kit.ts'
import { emptyStores } from '../../sql/make-store.ts'

const { url, drop } = await createPostgresDatabase()
const prisma = prismaOnPostgres(url, 8)

afterAll(async () => {
  await prisma.$disconnect()
  await drop()
})

const makeStore = emptyStores(() => ({
  store: (clock) => prismaStore(prisma, { clock }) as never,
  run: (sql) => prisma.$executeRawUnsafe(sql),
  table: (name) => `posthorn.${name}`,
  transaction: () => openTransaction(prisma),
}))

describe('prismaStore on Postgres', () => {
  runKit(makeStore, 'sample')
})
