/** The MySQL drivers: what all of them do, and what each does in its own way. Run on MariaDB. */
import mariadb from 'mariadb'
import callback from 'mysql2'
import mysql from 'mysql2/promise'
import { afterAll, describe, expect, it } from 'vitest'
import { type MysqlClient, mysqlDatabase } from '../../../src/stores/sql/executors/mysql.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { executorContract } from './contract.ts'

const ORDERS =
  'create table orders (id varchar(400) character set utf8mb4 collate utf8mb4_bin primary key, total bigint)'

const given = await createMysqlDatabase()

describe.skipIf(given === null)('on a server', async () => {
  const url = given?.url ?? 'mysql://skipped'
  const pool = mysql.createPool({ uri: url, connectionLimit: 4 })
  const awkward = mysql.createPool({
    uri: url,
    connectionLimit: 4,
    rowsAsArray: true,
    nestTables: true,
    namedPlaceholders: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    typeCast: false,
  })
  const withCallbacks = callback.createPool({ uri: url, connectionLimit: 4 })
  const { hostname, port, pathname } = new URL(url)
  const maria = {
    host: hostname,
    port: Number(port),
    user: 'root',
    database: pathname.slice(1),
    connectionLimit: 4,
  }
  const mariaPool = mariadb.createPool(maria)
  const awkwardMaria = mariadb.createPool({
    ...maria,
    rowsAsArray: true,
    metaAsArray: true,
    nestTables: true,
    namedPlaceholders: true,
    typeCast: () => 'cast',
  })
  if (given !== null) await pool.query(ORDERS)

  afterAll(async () => {
    await Promise.all([pool.end(), awkward.end(), mariaPool.end(), awkwardMaria.end()])
    await withCallbacks.promise().end()
    await given?.drop()
  })

  const onPool =
    <
      Connection extends {
        beginTransaction(): Promise<void>
        commit(): Promise<void>
        rollback(): Promise<void>
        release(): unknown
      },
    >(from: {
      getConnection(): Promise<Connection>
    }) =>
    async (work: (tx: Connection) => Promise<void>): Promise<void> => {
      const connection = await from.getConnection()
      try {
        await connection.beginTransaction()
        await work(connection)
        await connection.commit()
      } catch (error) {
        await connection.rollback()
        throw error
      } finally {
        await connection.release()
      }
    }

  executorContract({ name: 'a mysql2 pool', database: () => mysqlDatabase(pool), transaction: onPool(pool) })
  executorContract({
    name: 'a mysql2 pool with settings of its own for rows',
    database: () => mysqlDatabase(awkward),
    transaction: onPool(awkward),
  })
  executorContract({
    name: 'a mysql2 pool with callbacks',
    database: () => mysqlDatabase(withCallbacks),
    transaction: (work: (tx: callback.PoolConnection) => Promise<void>) =>
      onPool(withCallbacks.promise())((tx) => work(tx.connection as never)),
  })
  executorContract({
    name: 'a mariadb pool',
    database: () => mysqlDatabase(mariaPool),
    transaction: onPool(mariaPool),
  })
  executorContract({
    name: 'a mariadb pool with settings of its own for rows',
    database: () => mysqlDatabase(awkwardMaria),
    transaction: onPool(awkwardMaria),
  })

  it.each([
    ['mysql2', () => mysqlDatabase(pool)],
    ['mariadb', () => mysqlDatabase(mariaPool)],
  ] as const)(
    '%s runs its own transactions in READ COMMITTED, and leaves the session as it was',
    async (_name, open) => {
      const database = open()
      const read = async (): Promise<unknown> => (await pool.query('select count(*) as n from orders')).at(0)
      await database.query('delete from orders', [])
      const seen = await database.transaction(async (tx) => {
        const before = await tx.query('select count(*) as n from orders', [])
        await pool.query(`insert into orders values ('meanwhile', 1)`)
        const after = await tx.query('select count(*) as n from orders', [])
        return [Number(before.rows[0]?.n), Number(after.rows[0]?.n)]
      })
      expect(seen).toEqual([0, 1])
      expect(await read()).toEqual([{ n: 1 }])
    },
  )

  it.each(['mysql2', 'mysql2 with callbacks', 'mariadb'] as const)(
    'a bare connection of %s only publishes',
    async (kind) => {
      const connection =
        kind === 'mariadb'
          ? await mariadb.createConnection(maria)
          : kind === 'mysql2'
            ? await mysql.createConnection(url)
            : callback.createConnection(url)
      const database = mysqlDatabase<MysqlClient>(connection)
      expect(() => database.checkWork?.()).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
      expect((await database.query('select 1 as one', [])).rows).toHaveLength(1)
      await expect(database.transaction(async () => {})).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      if ('promise' in connection) await connection.promise().end()
      else await connection.end()
    },
  )

  it.each([
    ['mysql2', () => mysqlDatabase(pool).join(pool as never)],
    ['mysql2 with callbacks', () => mysqlDatabase(withCallbacks).join(withCallbacks as never)],
    ['mariadb', () => mysqlDatabase(mariaPool).join(mariaPool as never)],
  ])('refuses the pool of %s as tx', (_name, join) => {
    expect(join).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }))
  })
})

it.each([null, undefined, 'mysql://', {}, () => {}])('refuses %s as a client', (client) => {
  expect(() => mysqlDatabase(client as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', path: 'client' }),
  )
})
