/** A `tx` on which no transaction is open, with the clients and ORMs of MySQL (run on MariaDB). */
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import createKnex from 'knex'
import * as mariadb from 'mariadb'
import callback from 'mysql2'
import mysql from 'mysql2/promise'
import { afterAll, describe, expect, it } from 'vitest'

import { createWebhooks } from '../../../src/index.ts'
import { drizzleStore } from '../../../src/stores/drizzle.ts'
import { knexStore } from '../../../src/stores/knex.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { refusesWhatIsNotOpen } from './not-open.ts'

const acme = { tenantId: 'acme' }
const given = await createMysqlDatabase()

describe.skipIf(given === null)('on MariaDB', async () => {
  const url = given?.url ?? 'mysql://skipped'
  const { hostname, port, pathname } = new URL(url)
  const pool = mysql.createPool({ uri: url, connectionLimit: 3 })
  const callbacks = callback.createPool({ uri: url, connectionLimit: 3 })
  const mariaPool = mariadb.createPool({
    ...{ host: hostname, port: Number(port), user: 'root', database: pathname.slice(1) },
    connectionLimit: 3,
  })
  const knex = createKnex({ client: 'mysql2', connection: url, pool: { min: 0, max: 2 } })
  const drizzled = drizzleMysql(pool)
  afterAll(async () => {
    await Promise.all([pool.end(), callbacks.promise().end(), mariaPool.end(), knex.destroy()])
    await given?.drop()
  })

  interface Session {
    query(sql: string): Promise<unknown>
    release(): unknown
  }
  const cases = <Tx>(connect: () => Promise<Session>, as: (session: Session) => Tx) => {
    const made = async (...statements: string[]) => {
      const session = await connect()
      for (const statement of statements) await session.query(statement).catch(() => {})
      return { tx: as(session), end: () => session.release() }
    }
    return {
      'a connection without BEGIN': () => made(),
      'a connection after its commit': () => made('start transaction', 'commit'),
      'a connection after its rollback': () => made('start transaction', 'rollback'),
      // What a deadlock does: the server has ended the transaction, and the caller has not looked.
      'a connection whose last statement has failed, and no transaction is left': () =>
        made('start transaction', 'rollback', 'select nothing from nowhere'),
      'a connection that was released': async () => {
        const { tx, end } = await made('start transaction', 'commit')
        await end()
        return { tx }
      },
    }
  }
  refusesWhatIsNotOpen<mysql.PoolConnection>(
    'mysql2',
    () => mysqlStore({ client: pool, prefix: 'one_' }),
    cases(
      () => pool.getConnection(),
      (session) => session as never,
    ),
  )
  refusesWhatIsNotOpen<callback.PoolConnection>(
    'mysql2 with callbacks',
    () => mysqlStore({ client: callbacks, prefix: 'two_' }) as never,
    cases(
      () => callbacks.promise().getConnection(),
      (session) => (session as never as { connection: never }).connection,
    ),
  )
  refusesWhatIsNotOpen<mariadb.PoolConnection>(
    'mariadb',
    () => mysqlStore({ client: mariaPool, prefix: 'three_' }),
    cases(
      () => mariaPool.getConnection(),
      (session) => session as never,
    ),
  )
  refusesWhatIsNotOpen('Drizzle', () => drizzleStore(drizzled, { prefix: 'four_' }), {
    'the tx of a transaction that has ended': async () => {
      let tx: Parameters<Parameters<typeof drizzled.transaction>[0]>[0] | undefined
      await drizzled.transaction(async (open) => {
        tx = open
      })
      return { tx: tx as NonNullable<typeof tx> }
    },
  })
  refusesWhatIsNotOpen('Knex', () => knexStore(knex, { prefix: 'five_' }), {
    'a trx whose transaction the server has ended': async () => {
      const tx = await knex.transaction()
      await tx.raw('rollback')
      return { tx, end: () => tx.rollback() }
    },
  })

  it('a connection with autocommit off has always one open', async () => {
    const webhooks = createWebhooks({ store: mysqlStore({ client: pool, prefix: 'six_' }) })
    await webhooks.migrate()
    const tx = await pool.getConnection()
    await tx.query('set autocommit = 0')
    await webhooks.publish('order.lost', {}, { ...acme, tx })
    await tx.rollback()
    await webhooks.publish('order.kept', {}, { ...acme, tx })
    await tx.commit()
    await tx.query('set autocommit = 1')
    tx.release()
    const { items } = await webhooks.events.list(acme)
    expect(items.map(({ type }) => type)).toEqual(['order.kept'])
    await webhooks.stop()
  })
})
