/** What databases say through Prisma, told to the store as their drivers would; and what is the caller's, left as Prisma threw it. */
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Prisma } from '../../../../examples/prisma/generated/client.ts'
import { createWebhooks } from '../../../../src/index.ts'
import { prismaStore } from '../../../../src/stores/prisma.ts'
import { withoutValues } from '../../../../src/stores/sql/discreet.ts'
import type { Database } from '../../../../src/stores/sql/executor.ts'
import { prismaDatabase } from '../../../../src/stores/sql/orm/prisma.ts'
import { isTransient } from '../../../../src/stores/sql/retry.ts'
import { manualClock } from '../../../../src/testing/index.ts'
import { createMysqlDatabase } from '../../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../../support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from '../../../support/databases/sqlite.ts'
import { type AnyPrisma, prismaOnMysql, prismaOnPostgres, prismaOnSqlite } from '../../../support/prisma.ts'
import { quietLogger } from '../../../support/setup.ts'

const postgres = await createPostgresDatabase()
const mysql = await createMysqlDatabase()
const sqlite = await createSqliteFile()
const onPostgres = prismaOnPostgres(postgres.url)
const onMysql = prismaOnMysql(mysql?.url ?? 'mysql://skipped')
const onSqlite = prismaOnSqlite(sqlite.path)
// Of the library that Prisma's adapter uses: two copies of SQLite in one process do not see each other's locks.
const other = sqliteDrivers['better-sqlite3'](sqlite.path)

const ORDERS = 'create table orders (id varchar(100) primary key, total bigint)'
await onPostgres.$executeRawUnsafe(ORDERS)
if (mysql !== null) await onMysql.$executeRawUnsafe(ORDERS)
await onSqlite.$executeRawUnsafe(ORDERS)

afterAll(async () => {
  other.close()
  await Promise.all([onPostgres.$disconnect(), onMysql.$disconnect(), onSqlite.$disconnect()])
  await Promise.all([postgres.drop(), mysql?.drop(), sqlite.remove()])
})

const databases: readonly {
  readonly name: string
  readonly prisma: AnyPrisma
  readonly extended: AnyPrisma
  readonly taken: string
  readonly place: readonly string[]
  readonly skip: boolean
}[] = [
  {
    name: 'Postgres',
    prisma: onPostgres,
    extended: onPostgres.$extends({}),
    taken: '23505',
    place: ['$1', '$2'],
    skip: false,
  },
  {
    name: 'MariaDB',
    prisma: onMysql,
    extended: onMysql.$extends({}),
    taken: '1062',
    place: ['?', '?'],
    skip: mysql === null,
  },
  {
    name: 'SQLite',
    prisma: onSqlite,
    extended: onSqlite.$extends({}),
    taken: '1555',
    place: ['?', '?'],
    skip: false,
  },
]

const failureOf = (running: PromiseLike<unknown>): Promise<Error> =>
  Promise.resolve(running).then(
    () => expect.unreachable('it was to fail'),
    (error: Error) => error,
  )

for (const { name, prisma, extended, taken, place, skip } of databases)
  describe.skipIf(skip)(`on ${name}`, () => {
    const insert = `insert into orders (id, total) values (${place})`
    const update = `update orders set total = total + 1 where id = ${place[0]}`
    beforeEach(() => prisma.$executeRawUnsafe('delete from orders'))

    it('a key that is taken has the code of the database, and the sentence alone', async () => {
      const database = prismaDatabase(prisma)
      await database.query(insert, ['a telling value', 1])
      for (const run of [
        () => database.query(insert, ['a telling value', 1]),
        () => database.transaction((tx) => tx.query(insert, ['a telling value', 1])),
      ]) {
        const error = await failureOf(run())
        expect(error).toMatchObject({ code: taken, cause: { code: 'P2010' } })
        expect(isTransient(error)).toBe(true)
        expect(error.message).toMatch(/^(duplicate|SQLITE_CONSTRAINT: UNIQUE)/i)
        const told = withoutValues(error, insert, ['a telling value', 1]) as Error
        expect(told.message).toMatch(/^(duplicate|SQLITE_CONSTRAINT: UNIQUE)/i)
        expect(`${told.message} ${told.stack}`).not.toContain('telling')
      }
    })

    it('an error that no retry mends is none to try again', async () => {
      const error = await failureOf(prismaDatabase(prisma).query('select nothing from nowhere', []))
      expect(isTransient(error)).toBe(false)
      expect(error.message).not.toContain('prisma')
    })

    it("an error in the caller's transaction is Prisma's own", async () => {
      const { join, query } = prismaDatabase(prisma)
      await query(insert, ['a', 1])
      const failed = await failureOf(prisma.$transaction((tx) => join(tx).query(insert, ['a', 1])))
      expect(failed).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2010' })
    })

    it('a transaction that is over is refused by Prisma, and nothing is stored', async () => {
      const webhooks = createWebhooks({ store: prismaStore(prisma), logger: quietLogger })
      await webhooks.migrate()
      const over = await prisma.$transaction(async (tx) => tx)
      const failed = await failureOf(webhooks.publish('order.paid', {}, { tenantId: 'acme', tx: over }))
      expect(failed).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2028' })
      expect((await webhooks.events.list({ tenantId: 'acme' })).items).toEqual([])
      await webhooks.stop()
    })

    it('the client, extended or not, is no tx, and its extension is a client', async () => {
      const { join } = prismaDatabase(extended)
      for (const tx of [prisma, extended])
        expect(() => join(tx as never)).toThrow(
          expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }),
        )
      await extended.$transaction((tx) => join(tx).query(insert, ['extended', 1]))
      expect((await prismaDatabase(extended).query('select id from orders', [])).rows).toEqual([
        { id: 'extended' },
      ])
      expect(() => prismaDatabase({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    })

    it('the deadline of a statement and of a transaction is that of the store', async () => {
      const clock = manualClock()
      const database = prismaDatabase(prisma, { clock })
      let release: () => void = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      let began: () => void = () => {}
      const running = new Promise<void>((resolve) => {
        began = resolve
      })
      const stuck = database.transaction(async (tx) => {
        await tx.query(insert, ['stuck', 1])
        began()
        await released
        throw new Error('nobody listens any more')
      })
      stuck.catch(() => {})
      await running
      // Waits for the row, or, where one transaction writes at a time, for its turn.
      const waiting = database.query(insert, ['stuck', 2])
      waiting.catch(() => {})
      await clock.advance(10_000)
      for (const one of [stuck, waiting])
        await expect(one).rejects.toMatchObject({
          code: 'STORE_FAILED',
          message: expect.stringContaining('longer than 10000 ms'),
          outcomeUnknown: true,
        })
      release()
      await expect.poll(async () => (await database.query(update, ['stuck'])).rowCount).toBe(1)
    })

    // On SQLite one transaction writes at a time: two cannot lock each other.
    if (name !== 'SQLite')
      it('two transactions of the store that lock each other are tried again', async () => {
        const database = prismaDatabase(prisma)
        for (const id of ['a', 'b']) await database.query(insert, [id, 1])
        const errors = await lockEachOther(database, update)
        expect(errors).toHaveLength(1)
        expect(errors.map(isTransient)).toEqual([true])
      })
  })

/** Two transactions, each with the row that the other wants; what they failed for. */
async function lockEachOther(database: Database<never>, update: string): Promise<unknown[]> {
  let waiting = 2
  let go: () => void = () => {}
  const both = new Promise<void>((resolve) => {
    go = resolve
  })
  const one = (first: string, second: string) =>
    database.transaction(async (tx) => {
      await tx.query(update, [first])
      waiting -= 1
      if (waiting === 0) go()
      await both
      await tx.query(update, [second])
    })
  const results = await Promise.allSettled([one('a', 'b'), one('b', 'a')])
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
}

it('a commit that the database refuses is told with its code (Postgres)', async () => {
  await onPostgres.$executeRawUnsafe(`create function doomed() returns trigger language plpgsql as
    $$ begin raise exception 'could not serialize' using errcode = '40001'; end $$`)
  await onPostgres.$executeRawUnsafe('create table doomed (id text)')
  await onPostgres.$executeRawUnsafe(`create constraint trigger doomed after insert on doomed
    deferrable initially deferred for each row execute function doomed()`)
  const failed = await failureOf(
    prismaDatabase(onPostgres).transaction((tx) => tx.query(`insert into doomed values ('a')`, [])),
  )
  expect(failed).toMatchObject({ code: '40001' })
  expect(isTransient(failed)).toBe(true)
})

it('a file that somebody else writes to is busy, and tried again (SQLite)', async () => {
  const database = prismaDatabase(onSqlite)
  other.exec('begin immediate')
  onTestFinished(() => void other.exec('rollback'))
  const write = `insert into orders (id) values ('busy')`
  for (const run of [
    () => database.query(write, []),
    () => database.transaction((tx) => tx.query(write, [])),
  ]) {
    const failed = await failureOf(run())
    expect(failed).toMatchObject({ code: '5', errno: 5 })
    expect(isTransient(failed)).toBe(true)
  }
})

it('rows of a WITH that locks for update are rows', async () => {
  const { query } = prismaDatabase(onPostgres)
  await query(`insert into orders values ('with', 7) on conflict do nothing`, [])
  const locking = `with w as (select total from orders where id = 'with' for update) select total from w`
  expect((await query(locking, [])).rows).toEqual([{ total: 7n }])
  const changing = `with w as (select 'with' as id) update orders set total = 8 where id = (select id from w)`
  expect(await query(changing, [])).toEqual({ rows: [], rowCount: 1 })
})

it('the error that a caller catches is of the class that Prisma exports', async () => {
  const failed = await failureOf(
    onPostgres.$transaction((tx) => tx.$executeRawUnsafe('select nothing from nowhere')),
  )
  expect(failed).toBeInstanceOf(Prisma.PrismaClientKnownRequestError)
})
