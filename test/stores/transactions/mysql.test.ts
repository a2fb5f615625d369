/** Promise 1 with the clients and ORMs of MySQL (run on MariaDB), and: what fails in the caller's transaction is never tried again. */
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import createKnex, { type Knex } from 'knex'
import { CompiledQuery, Kysely, MysqlDialect, type Transaction } from 'kysely'
import * as mariadb from 'mariadb'
import callback from 'mysql2'
import mysql from 'mysql2/promise'
import { afterAll, describe, expect, it } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { type DrizzleTransaction, drizzleStore } from '../../../src/stores/drizzle.ts'
import { knexStore } from '../../../src/stores/knex.ts'
import { kyselyStore } from '../../../src/stores/kysely.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { quietLogger } from '../../support/setup.ts'
import { transactionPromise } from './promise.ts'

const INSERT = 'insert into accounts (id) values (?)'
const given = await createMysqlDatabase()

describe.skipIf(given === null)('on a server', async () => {
  const url = given?.url ?? 'mysql://skipped'
  const { hostname, port, pathname } = new URL(url)
  const pool = mysql.createPool({ uri: url, connectionLimit: 3 })
  const one = mysql.createPool({ uri: url, connectionLimit: 1 })
  const mariaPool = mariadb.createPool({
    host: hostname,
    port: Number(port),
    user: 'root',
    database: pathname.slice(1),
    connectionLimit: 3,
  })
  const drizzled = drizzle(mysql.createPool({ uri: url, connectionLimit: 3 }))
  const kysely = new Kysely<Record<string, never>>({
    dialect: new MysqlDialect({ pool: callback.createPool({ uri: url, connectionLimit: 3 }) }),
  })
  const knex = createKnex({ client: 'mysql2', connection: url, pool: { min: 0, max: 3 } })
  if (given !== null) await pool.query('create table accounts (id varchar(100)) engine = innodb')
  afterAll(async () => {
    await Promise.all([pool.end(), one.end(), mariaPool.end(), drizzled.$client.end()])
    await Promise.all([kysely.destroy(), knex.destroy()])
    await given?.drop()
  })

  async function count(id: string): Promise<number> {
    const [result] = await pool.query<mysql.ResultSetHeader>('delete from accounts where id = ?', [id])
    return result.affectedRows
  }

  interface Session {
    beginTransaction(): Promise<void>
    commit(): Promise<void>
    rollback(): Promise<void>
    release(): unknown
  }
  const onPool =
    <Connection extends Session>(from: { getConnection(): Promise<Connection> }) =>
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

  for (const [name, from, prefix] of [
    ['mysql2', pool, 'many_'],
    ['mysql2, with a pool of one', one, 'one_'],
  ] as const) {
    transactionPromise<mysql.PoolConnection>({
      name,
      store: () => mysqlStore({ client: from, prefix }),
      transaction: onPool(from),
      insert: (tx, id) => tx.query(INSERT, [id]),
      count,
      savepoint: async (tx, work) => {
        await tx.query('savepoint inner_one')
        await work(tx)
        await tx.query('rollback to savepoint inner_one')
      },
    })
  }
  transactionPromise<mariadb.PoolConnection>({
    name: 'mariadb',
    store: () => mysqlStore({ client: mariaPool, prefix: 'mariadb_' }),
    transaction: onPool(mariaPool),
    insert: (tx, id) => tx.query(INSERT, [id]),
    count,
  })
  transactionPromise<DrizzleTransaction<typeof drizzled>>({
    name: 'Drizzle over mysql2',
    store: () => drizzleStore(drizzled, { prefix: 'drizzle_' }),
    transaction: (work) => drizzled.transaction(work),
    insert: (tx, id) => tx.execute(drizzleSql`insert into accounts (id) values (${id})`),
    count,
  })
  transactionPromise<Transaction<Record<string, never>>>({
    name: 'Kysely',
    store: () => kyselyStore(kysely, { prefix: 'kysely_' }),
    transaction: (work) => kysely.transaction().execute(work),
    insert: (tx, id) => tx.executeQuery(CompiledQuery.raw(INSERT, [id])),
    count,
  })
  transactionPromise<Knex.Transaction>({
    name: 'Knex',
    store: () => knexStore(knex, { prefix: 'knex_' }),
    transaction: (work) => knex.transaction(work),
    insert: (tx, id) => tx.raw(INSERT, [id]),
    count,
  })

  it('passes a deadlock (1213) in the transaction on untouched and leaves no event', async () => {
    const store = mysqlStore({ client: pool, prefix: 'deadlock_' })
    await store.migrate()
    const webhooks = createWebhooks({ store, transport: fakeTransport(), logger: quietLogger })
    const connection = await pool.getConnection()
    await connection.beginTransaction()
    await connection.query(INSERT, ['order'])
    let calls = 0
    const deadlocked = Object.assign(new Error('Deadlock found when trying to get lock'), {
      code: 'ER_LOCK_DEADLOCK',
      errno: 1213,
    })
    const tx = new Proxy(connection, {
      get(target, name) {
        if (name !== 'query') return Reflect.get(target, name, target)
        return async () => {
          calls += 1
          // What the server does at 1213: the whole transaction is gone, and the next statement would commit by itself.
          await target.query('rollback')
          throw deadlocked
        }
      },
    })
    await expect(webhooks.publish('order.paid', {}, { tenantId: 'acme', tx })).rejects.toBe(deadlocked)
    await connection.commit()
    connection.release()
    expect(calls).toBe(1)
    expect((await webhooks.events.list({ tenantId: 'acme' })).items).toEqual([])
    expect(await count('order')).toBe(0)
    await webhooks.stop()
  })
})
