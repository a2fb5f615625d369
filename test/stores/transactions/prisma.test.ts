/** Promise 1 with the generated client of Prisma, on each of its databases, in each isolation level, and in conflicts. */
import { afterAll, describe, expect, it } from 'vitest'
import { Prisma } from '../../../examples/prisma/generated/client.ts'
import { createWebhooks } from '../../../src/index.ts'
import { prismaStore } from '../../../src/stores/prisma.ts'
import type { Prisma as MysqlPrisma } from '../../fixtures/prisma/mysql/client.ts'
import type { Prisma as SqlitePrisma } from '../../fixtures/prisma/sqlite/client.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { createSqliteFile } from '../../support/databases/sqlite.ts'
import { type AnyPrisma, prismaOnMysql, prismaOnPostgres, prismaOnSqlite } from '../../support/prisma.ts'
import { quietLogger } from '../../support/setup.ts'
import { transactionPromise } from './promise.ts'

const postgres = await createPostgresDatabase()
const mysql = await createMysqlDatabase()
const sqlite = await createSqliteFile()
const onPostgres = prismaOnPostgres(postgres.url)
const onMysql = prismaOnMysql(mysql?.url ?? 'mysql://skipped')
const onSqlite = prismaOnSqlite(sqlite.path)

await onPostgres.$executeRawUnsafe('create schema example_shop')
await onPostgres.$executeRawUnsafe('create table example_shop.orders (id text, amount integer not null)')
if (mysql !== null) await onMysql.$executeRawUnsafe('create table accounts (id varchar(100))')
await onSqlite.$executeRawUnsafe('create table accounts (id text)')

afterAll(async () => {
  await Promise.all([onPostgres.$disconnect(), onMysql.$disconnect(), onSqlite.$disconnect()])
  await Promise.all([postgres.drop(), mysql?.drop(), sqlite.remove()])
})

/** What a client of any schema opens. */
interface Opens<Tx> {
  $transaction(
    work: (tx: Tx) => Promise<void>,
    options?: { isolationLevel?: Prisma.TransactionIsolationLevel; timeout?: number; maxWait?: number },
  ): Promise<void>
}

/** A transaction in the transaction, of which nothing stays. */
const undone = async <Tx>(tx: Opens<Tx>, work: (nested: Tx) => Promise<void>): Promise<void> => {
  const undo = new Error('undo')
  const nested = tx.$transaction(async (inner) => {
    await work(inner)
    throw undo
  })
  await expect(nested).rejects.toBe(undo)
}

transactionPromise<Prisma.TransactionClient>({
  name: 'Prisma on Postgres',
  store: () => prismaStore(onPostgres),
  transaction: (work) => onPostgres.$transaction(work),
  insert: (tx, id) => tx.order.create({ data: { id, amount: 1 } }),
  count: async (id) => (await onPostgres.order.deleteMany({ where: { id } })).count,
  savepoint: undone,
})

describe.skipIf(mysql === null)('with a server', () => {
  transactionPromise<MysqlPrisma.TransactionClient>({
    name: 'Prisma on MariaDB',
    store: () => prismaStore(onMysql),
    transaction: (work) => onMysql.$transaction(work),
    insert: (tx, id) => tx.account.create({ data: { id } }),
    count: async (id) => (await onMysql.account.deleteMany({ where: { id } })).count,
    savepoint: undone,
  })
})

transactionPromise<SqlitePrisma.TransactionClient>({
  name: 'Prisma on SQLite',
  store: () => prismaStore(onSqlite),
  transaction: (work) => onSqlite.$transaction(work),
  insert: (tx, id) => tx.account.create({ data: { id } }),
  count: async (id) => (await onSqlite.account.deleteMany({ where: { id } })).count,
  savepoint: undone,
})

const LEVELS = ['ReadUncommitted', 'ReadCommitted', 'RepeatableRead', 'Serializable'] as const
const levels: readonly (readonly [string, AnyPrisma, Prisma.TransactionIsolationLevel])[] = [
  ...LEVELS.map((level) => ['Postgres', onPostgres, level] as const),
  ...(mysql === null ? [] : LEVELS.map((level) => ['MariaDB', onMysql as AnyPrisma, level] as const)),
  ['SQLite', onSqlite as AnyPrisma, 'Serializable'],
]

for (const [name, prisma, isolationLevel] of levels)
  it(`a publish commits and rolls back on ${name} with ${isolationLevel}`, async () => {
    const webhooks = createWebhooks({ store: prismaStore(prisma), logger: quietLogger })
    const tenantId = `${name} ${isolationLevel}`
    const types = async () => (await webhooks.events.list({ tenantId })).items.map(({ type }) => type)
    const undo = new Error('undo')
    const lost = prisma.$transaction(
      async (tx) => {
        await webhooks.publish('order.lost', {}, { tenantId, tx })
        throw undo
      },
      { isolationLevel },
    )
    await expect(lost).rejects.toBe(undo)
    expect(await types()).toEqual([])
    await prisma.$transaction((tx) => webhooks.publish('order.kept', {}, { tenantId, tx }), {
      isolationLevel,
    })
    expect(await types()).toEqual(['order.kept'])
    await webhooks.stop()
  })

it('a conflict (40001) that meets the publish reaches the caller as Prisma threw it, and leaves no event', async () => {
  const webhooks = createWebhooks({ store: prismaStore(onPostgres), logger: quietLogger })
  const isolationLevel = 'Serializable'
  const sum = (tx: Prisma.TransactionClient) => tx.order.aggregate({ _sum: { amount: true } })
  const change = (tx: Prisma.TransactionClient, id: string) =>
    tx.order.updateMany({ where: { id }, data: { amount: { increment: 1 } } })
  await onPostgres.order.createMany({ data: ['one', 'other'].map((id) => ({ id, amount: 1 })) })
  const thrown: unknown[] = []
  const other = onPostgres.$transaction(
    async (tx) => {
      await sum(tx)
      // Each reads what the other writes: no order of the two explains that.
      await onPostgres.$transaction(
        async (first) => {
          await sum(first)
          await change(tx, 'other')
          await change(first, 'one')
        },
        { isolationLevel },
      )
      await webhooks.publish('order.doomed', {}, { tenantId: 'conflict', tx }).catch((error: unknown) => {
        thrown.push(error)
        throw error
      })
    },
    { isolationLevel },
  )
  const failed = await other.catch((error: unknown) => error)
  expect(thrown).toEqual([failed])
  expect(failed).toBeInstanceOf(Prisma.PrismaClientKnownRequestError)
  expect(failed).toMatchObject({ meta: { driverAdapterError: { cause: { originalCode: '40001' } } } })
  expect((await webhooks.events.list({ tenantId: 'conflict' })).items).toEqual([])
  await webhooks.stop()
})

it('publishes of two clients on one file of SQLite wait for each other, and none is lost', async () => {
  const second = prismaOnSqlite(sqlite.path)
  const both = [onSqlite, second].map((prisma) =>
    createWebhooks({ store: prismaStore(prisma), logger: quietLogger }),
  )
  const ids = Array.from({ length: 40 }, (_, index) => `evt_${index}`)
  await Promise.all(
    ids.map((id, index) => both[index % 2]?.publish('order.paid', {}, { tenantId: 'two', id })),
  )
  const listed = await both[0]?.events.list({ tenantId: 'two', limit: 100 })
  expect(listed?.items.map(({ id }) => id).sort()).toEqual([...ids].sort())
  for (const webhooks of both) await webhooks.stop()
  await second.$disconnect()
})

it('the statements of a publish on SQLite wait for each other, since Prisma promises no order', async () => {
  const webhooks = createWebhooks({ store: prismaStore(onSqlite), logger: quietLogger })
  const running: string[] = []
  const together: string[][] = []
  const watched = (tx: SqlitePrisma.TransactionClient) =>
    new Proxy(tx, {
      get(target, name) {
        if (name !== '$executeRawUnsafe' && name !== '$queryRawUnsafe')
          return Reflect.get(target, name, target)
        return async (sql: string, ...values: unknown[]) => {
          running.push(sql)
          together.push([...running])
          try {
            return await target[name](sql, ...values)
          } finally {
            running.splice(running.indexOf(sql), 1)
          }
        }
      },
    })
  await onSqlite.$transaction((tx) =>
    webhooks.publish('order.paid', {}, { tenantId: 'order', tx: watched(tx) }),
  )
  expect(together.length).toBeGreaterThan(2)
  expect(together.filter((statements) => statements.length > 1)).toEqual([])
  expect((await webhooks.events.list({ tenantId: 'order' })).items).toHaveLength(1)
  await webhooks.stop()
})
