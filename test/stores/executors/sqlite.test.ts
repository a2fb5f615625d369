/** The SQLite drivers: what all of them do, and how own statements live beside the caller's transactions. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  type SqliteClient,
  type SqliteSettings,
  sqliteDatabase,
} from '../../../src/stores/sql/executors/sqlite.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { createSqliteFile, sqliteDrivers } from '../../support/databases/sqlite.ts'
import { executorContract } from './contract.ts'

const ORDERS = 'create table orders (id text primary key, total integer)'
const INSERT = 'insert into orders (id, total) values (?, ?)'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

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
  const memory = open(':memory:')
  memory.exec(ORDERS)
  const { path, remove } = await createSqliteFile()
  const handle = open(path)
  handle.exec('pragma journal_mode = wal')
  handle.exec(ORDERS)
  const second = sqliteDatabase(handle)
  const shared = sqliteDatabase(handle, { openConnection: false })
  afterAll(async () => {
    await second.close()
    handle.close()
    memory.close()
    await remove()
  })

  const drivers = [
    { name: 'in memory', client: memory, database: sqliteDatabase(memory) },
    { name: 'on a file, with a second connection', client: handle, database: second },
    { name: 'on a file, sharing one connection', client: handle, database: shared },
  ]
  for (const { name, client, database } of drivers) {
    executorContract({
      name,
      database: () => database,
      transaction: (work: (tx: SqliteClient) => Promise<void>) => transaction(client, work),
    })
  }

  /** A fresh database; `others` are further handles of the caller's. */
  async function fresh(settings: SqliteSettings = {}, where: 'file' | 'memory' = 'file') {
    const file = await createSqliteFile()
    const opened = open(where === 'file' ? file.path : ':memory:')
    if (where === 'file') opened.exec('pragma journal_mode = wal')
    opened.exec(ORDERS)
    const database = sqliteDatabase(opened, settings)
    endings.push(
      () => file.remove(),
      () => opened.close(),
      () => database.close(),
    )
    const ids = () =>
      opened
        .prepare('select id from orders order by id')
        .all()
        .map((row) => (row as { id: string }).id)
    return { handle: opened, database, path: file.path, ids }
  }

  it('has run a statement with tx before the promise is returned', async () => {
    const { handle, database, ids } = await fresh()
    handle.exec('begin')
    const promise = database.join(handle).query(INSERT, ['a', 1])
    expect(ids()).toEqual(['a'])
    handle.exec('rollback')
    await promise
    expect(ids()).toEqual([])
    handle.exec('begin')
    expect(database.join(handle).querySync?.(INSERT, ['b', 1])).toMatchObject({ rowCount: 1 })
    handle.exec('commit')
    expect(ids()).toEqual(['b'])
  })

  it('refuses a handle on which no transaction is open, and one of another database', async () => {
    const { handle, database } = await fresh()
    const other = await fresh()
    other.handle.exec('begin')
    for (const tx of [handle, other.handle]) {
      expect(() => database.join(tx)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }))
    }
    other.handle.exec('rollback')
  })

  it('takes the transaction of another handle on the same file', async () => {
    const { database, path, ids } = await fresh()
    const other = open(path)
    other.exec('begin immediate')
    await database.join(other).query(INSERT, ['a', 1])
    expect(ids()).toEqual([])
    other.exec('commit')
    other.close()
    expect(ids()).toEqual(['a'])
  })

  it("reads beside the caller's open transaction, and says at once that it cannot write", async () => {
    const { handle, database } = await fresh()
    handle.exec('begin immediate')
    await database.join(handle).query(INSERT, ['a', 1])
    expect((await database.query('select count(*) as n from orders', [])).rows).toMatchObject([{ n: 0 }])
    await expect(database.query(INSERT, ['b', 1])).rejects.toThrow(/locked/)
    await expect(database.transaction(async () => 'never')).rejects.toThrow(/locked/)
    handle.exec('commit')
    await database.query(INSERT, ['b', 1])
  })

  it.each(['memory', 'shared file'] as const)(
    "waits on one connection (%s) while the caller's transaction is open",
    async (kind) => {
      const { handle, database, ids } = await fresh(
        { openConnection: false },
        kind === 'memory' ? 'memory' : 'file',
      )
      handle.exec('begin')
      handle.prepare(INSERT).run('rolled back', 1)
      const order: string[] = []
      const single = database.query(INSERT, ['single', 1]).then(() => order.push('single'))
      const own = database
        .transaction((tx) => tx.query(INSERT, ['own', 1]))
        .then(() => order.push('transaction'))
      await new Promise((resolve) => setImmediate(resolve))
      expect(order).toEqual([])
      handle.exec('rollback')
      await Promise.all([single, own])
      expect(order).toEqual(['single', 'transaction'])
      expect(ids()).toEqual(['own', 'single'])
    },
  )

  it('gives up waiting at the deadline, and lets the next one pass', async () => {
    const clock = manualClock()
    const { handle, database, ids } = await fresh({ clock, queryTimeoutMs: 500 }, 'memory')
    handle.exec('begin')
    const late = database.query(INSERT, ['late', 1])
    late.catch(() => {})
    await clock.advance(499)
    await clock.advance(1)
    await expect(late).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('500 ms'),
    })
    handle.exec('commit')
    const next = database.query(INSERT, ['next', 1])
    await clock.advance(50)
    await next
    expect(ids()).toEqual(['next'])
  })

  it('syncs its own connection to disk as the given one does, and closes only its own', async () => {
    const { path, handle } = await fresh()
    handle.exec('pragma synchronous = off')
    let own: SqliteClient | undefined
    const database = sqliteDatabase(handle, {
      openConnection: (file) => {
        own = open(file)
        expect(file).toBe(path)
        return own
      },
    })
    await database.query('select 1 as one', [])
    expect(Object.values(Object(own?.prepare('pragma synchronous').all()[0]))).toEqual([0])
    expect(Object.values(Object(own?.prepare('pragma busy_timeout').all()[0]))).toEqual([0])
    const first = own
    await database.close()
    await database.close()
    expect(() => first?.prepare('select 1').all()).toThrow()
    expect((await database.query('select 1 as one', [])).rowCount).toBe(1)
    expect(own).not.toBe(first)
    await database.close()
    expect(() => own?.prepare('select 1').all()).toThrow()
    expect(handle.prepare('select 1 as one').all()).toHaveLength(1)
  })

  it('shares the connection when the constructor opens no such file', async () => {
    const { handle } = await fresh()
    const wrapper: SqliteClient = {
      prepare: (text) => handle.prepare(text),
      exec: (text) => handle.exec(text),
      close: () => handle.close(),
    }
    const database = sqliteDatabase(wrapper)
    handle.exec('begin')
    handle.prepare(INSERT).run('caller', 1)
    const own = database.query(INSERT, ['own', 1])
    handle.exec('commit')
    await own
    await database.close()
    expect(handle.prepare('select 1 as one').all()).toHaveLength(1)
  })
})

describe('a client that is none', () => {
  it.each([
    ['null', null],
    ['a path', './app.db'],
    ['an object', {}],
    ['D1', { prepare() {}, exec() {}, close() {}, batch() {} }],
  ])('is refused: %s', (_name, client) => {
    expect(() => sqliteDatabase(client as unknown as SqliteClient)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', path: 'client' }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN, 3_600_001, '10' as unknown as number])(
    'and so is a deadline of %s',
    (queryTimeoutMs) => {
      const memory = sqliteDrivers['node:sqlite'](':memory:')
      expect(() => sqliteDatabase(memory, { queryTimeoutMs })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', path: 'queryTimeoutMs' }),
      )
      memory.close()
    },
  )
})

describe('a file that another connection has locked', () => {
  it.each(Object.entries(sqliteDrivers))('can be given to a store (%s)', async (_name, open) => {
    const file = await createSqliteFile()
    const other = open(file.path)
    other.exec(ORDERS)
    other.exec('begin exclusive')
    const handle = open(file.path)
    handle.exec('pragma busy_timeout = 0')
    endings.push(
      () => file.remove(),
      () => other.close(),
      () => handle.close(),
    )
    expect(() => sqliteDatabase(handle)).not.toThrow()
  })
})
