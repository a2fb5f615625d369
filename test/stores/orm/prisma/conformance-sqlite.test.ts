/** The store passes the conformance kit when all of its work goes through Prisma, on a file of SQLite. */
import { afterAll, describe } from 'vitest'
import { prismaStore } from '../../../../src/stores/prisma.ts'
import { createSqliteFile } from '../../../support/databases/sqlite.ts'
import { openTransaction, prismaOnSqlite } from '../../../support/prisma.ts'
import { runKit } from '../../run-kit.ts'
import { emptyStores } from '../../sql/make-store.ts'

const file = await createSqliteFile()
const prisma = prismaOnSqlite(file.path)

afterAll(async () => {
  await prisma.$disconnect()
  await file.remove()
})

const makeStore = emptyStores(() => ({
  store: (clock) => prismaStore(prisma, { clock }) as never,
  run: (sql) => prisma.$executeRawUnsafe(sql),
  table: (name) => `posthorn_${name}`,
  transaction: () => openTransaction(prisma),
}))

describe('prismaStore on SQLite', () => {
  runKit(makeStore, 'sample')
})
