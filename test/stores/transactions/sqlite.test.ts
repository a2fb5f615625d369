/** Promise 1 with the drivers of SQLite, in asynchronous and in synchronous transactions. */

import { sql as drizzleSql } from 'drizzle-orm'
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db'
import { CompiledQuery, Kysely, SqliteDialect, type Transaction } from 'kysely'
import type Libsql from 'libsql'
import { afterAll, describe, expect, it } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { drizzleStore } from '../../../src/stores/drizzle.ts'
import { kyselyStore } from '../../../src/stores/kysely.ts'
import { type SqliteClient, sqliteStore } from '../../../src/stores/sqlite.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { createSqliteFile, sqliteDrivers } from '../../support/databases/sqlite.ts'
import { quietLogger } from '../../support/setup.ts'
import { transactionPromise } from './promise.ts'

const ACCOUNTS = 'create table accounts (id text)'
const INSERT = 'insert into accounts (id) values (?)'

const countOn = (handle: SqliteClient) => async (id: string) =>
  Number(handle.prepare('delete from accounts where id = ?').run(id).changes)

async function transaction(handle: SqliteClient, work: (tx: SqliteClient) => Promise<void>): Promise<void> {
  handle.exec('begin')
  try {
    await work(handle)
    handle.exec('commit')
  } catch (error) {
    handle.exec('rollback')
    throw error
  }
}

describe.each(Object.entries(sqliteDrivers))('a handle of the shape of %s', async (_name, open) => {
  const file = await createSqliteFile()
  const onFile = open(file.path)
  const inMemory = open(':memory:')
  onFile.exec(ACCOUNTS)
  inMemory.exec(ACCOUNTS)
  afterAll(async () => {
    onFile.close()
    inMemory.close()
    await file.remove()
  })

  for (const [name, handle] of [
    ['on a file', onFile],
    ['in memory', inMemory],
  ] as const) {
    transactionPromise<SqliteClient>({
      name,
      store: () => sqliteStore({ client: handle }),
      transaction: (work) => transaction(handle, work),
      insert: async (tx, id) => tx.prepare(INSERT).run(id),
      count: countOn(handle),
      savepoint: async (tx, work) => {
        tx.exec('savepoint inner_one')
        await work(tx)
        tx.exec('rollback to inner_one')
      },
    })
  }
})

describe('a synchronous transaction', async () => {
  const file = await createSqliteFile()
  const handle = sqliteDrivers['better-sqlite3'](file.path) as Libsql.Database
  handle.exec(ACCOUNTS)
  const dialect = new SQLiteSyncDialect()
  const session = new BetterSQLiteSession(handle as never, dialect, undefined, {})
  const base = new BaseSQLiteDatabase<'sync', Libsql.RunResult>('sync', dialect, session as never, undefined)
  const db = Object.assign(base, { $client: handle })
  const transport = fakeTransport()
  const own = createWebhooks({ store: sqliteStore({ client: handle }), transport, logger: quietLogger })
  const drizzled = createWebhooks({ store: drizzleStore(db), transport, logger: quietLogger })
  await own.migrate()
  afterAll(async () => {
    await own.stop()
    await drizzled.stop()
    handle.close()
    await file.remove()
  })
  const events = async (tenantId: string) => (await own.events.list({ tenantId })).items.length

  it.each(['plain', 'keyed'])('of better-sqlite3 commits what was published in it (%s)', async (tenantId) => {
    const options = tenantId === 'keyed' ? { idempotencyKey: 'key' } : {}
    const published: Promise<unknown>[] = []
    handle.transaction(() => {
      handle.prepare(INSERT).run('a')
      published.push(own.publish('order.paid', {}, { tenantId, tx: handle, ...options }))
    })()
    // Nothing is left to do after the commit: a rollback of what follows cannot take it back.
    handle.exec('begin')
    handle.exec('rollback')
    await Promise.all(published)
    expect(await events(tenantId)).toBe(1)
  })

  it('of better-sqlite3 that throws after publish leaves no event', async () => {
    let published: Promise<unknown> | undefined
    const work = handle.transaction(() => {
      published = own.publish('order.paid', {}, { tenantId: 'thrown', tx: handle })
      throw new Error('after publish')
    })
    expect(() => work()).toThrow('after publish')
    await published?.catch(() => {})
    expect(await events('thrown')).toBe(0)
  })

  const same = { tenantId: 'repeated', idempotencyKey: 'key' }
  it.each([
    ['two calls', () => [0, 1].map(() => own.publish('order.paid', {}, { ...same, tx: handle }))],
    [
      'one call',
      () => [
        own.publishMany(
          [0, 1].map(() => ({ type: 'order.paid', data: {}, ...same })),
          { tx: handle },
        ),
      ],
    ],
  ])('of better-sqlite3 takes both events of one key with it, published in %s', async (_name, publish) => {
    const published: Promise<unknown>[] = []
    handle.exec('begin')
    published.push(...publish())
    handle.exec('rollback')
    await Promise.all(published)
    expect(await events('repeated')).toBe(0)

    handle.transaction(() => published.push(...publish()))()
    handle.exec('begin')
    handle.exec('rollback')
    await Promise.all(published)
    expect(await events('repeated')).toBe(1)
    await own.eraseTenant('repeated')
  })

  it('of better-sqlite3 that goes on after a refused publish keeps nothing of it', async () => {
    const tenantId = 'half'
    handle.exec(
      "create temp trigger refuse before insert on posthorn_events when new.type = 'order.refused' begin select raise(abort, 'refused'); end",
    )
    const publish = () =>
      own.publishMany(
        // The second makes them go one by one.
        ['order.paid', 'order.paid', 'order.refused'].map((type, at) => ({
          type,
          data: {},
          tenantId,
          id: `evt_${Math.max(1, at)}`,
        })),
        { tx: handle },
      )
    handle.transaction(() => expect(publish).toThrow('refused'))()
    handle.exec('drop trigger refuse')
    expect(await events(tenantId)).toBe(0)
    const published: Promise<unknown>[] = []
    handle.transaction(() => published.push(publish()))()
    expect(await Promise.all(published)).toMatchObject([
      [{ duplicate: false }, { duplicate: true }, { duplicate: false }],
    ])
    expect(await events(tenantId)).toBe(2)
  })

  it.each([
    ['an input that is refused', { big: 1n }, 'PAYLOAD_NOT_SERIALISABLE'],
    ['a statement that fails', { fine: true }, undefined],
  ])('of better-sqlite3 does not commit after %s', async (_name, data, code) => {
    handle.exec(
      "create temp trigger refuse before insert on posthorn_queue begin select raise(abort, 'refused'); end",
    )
    const failed = (() => {
      try {
        handle.transaction(() => {
          handle.prepare(INSERT).run('refused')
          void own.publish('order.paid', data, { tenantId: 'refused', tx: handle })
        })()
      } catch (error) {
        return error
      }
    })()
    handle.exec('drop trigger refuse')
    expect(failed).toMatchObject(
      code === undefined ? { message: expect.stringContaining('refused') } : { code },
    )
    expect([
      await events('refused'),
      handle.prepare('select * from accounts where id = ?').all('refused'),
    ]).toEqual([0, []])
  })

  it('of Drizzle commits with it, and leaves no event when it throws after publish', async () => {
    const published: Promise<unknown>[] = []
    db.transaction((tx) => {
      tx.run(drizzleSql`insert into accounts (id) values ('b')`)
      published.push(drizzled.publish('order.paid', {}, { tenantId: 'drizzle', tx }))
    })
    expect(() =>
      db.transaction((tx) => {
        published.push(drizzled.publish('order.paid', {}, { tenantId: 'drizzle', tx }))
        throw new Error('after publish')
      }),
    ).toThrow('after publish')
    await Promise.allSettled(published)
    expect(await events('drizzle')).toBe(1)
  })
})

describe('an ORM', async () => {
  const handle = sqliteDrivers['better-sqlite3'](':memory:')
  handle.exec(ACCOUNTS)
  const kysely = new Kysely<Record<string, never>>({
    dialect: new SqliteDialect({ database: handle as never }),
  })
  afterAll(() => kysely.destroy())
  transactionPromise<Transaction<Record<string, never>>>({
    name: 'Kysely',
    store: () => kyselyStore(kysely),
    transaction: (work) => kysely.transaction().execute(work),
    insert: (tx, id) => tx.executeQuery(CompiledQuery.raw(INSERT, [id])),
    count: countOn(handle),
  })
})
