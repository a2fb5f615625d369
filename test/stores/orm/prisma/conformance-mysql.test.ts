/** The store passes the conformance kit when all of its work goes through Prisma, on MariaDB; skipped where there is none. */
import { afterAll, describe } from 'vitest'
import { prismaStore } from '../../../../src/stores/prisma.ts'
import { createMysqlDatabase } from '../../../support/databases/mysql.ts'
import { openTransaction, prismaOnMysql } from '../../../support/prisma.ts'
import { runKit } from '../../run-kit.ts'
import { emptyStores } from '../../sql/make-store.ts'

const database = await createMysqlDatabase()
const prisma = prismaOnMysql(database?.url ?? 'mysql://skipped', 8)

afterAll(async () => {
  await prisma.$disconnect()
  await database?.drop()
})

const makeStore = emptyStores(() => ({
  store: (clock) => prismaStore(prisma, { clock }) as never,
  run: (sql) => prisma.$executeRawUnsafe(sql),
  table: (name) => `posthorn_${name}`,
  transaction: () => openTransaction(prisma),
}))

describe.skipIf(database === null)('prismaStore on MariaDB', () => {
  runKit(makeStore, 'sample')
})
