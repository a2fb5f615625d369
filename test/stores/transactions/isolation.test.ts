/**
 * Test 27: the isolation levels of the caller's transaction. A publish commits and rolls back in each; where the database ends the
 * transaction for a conflict, the caller gets the driver's own error, nothing is tried again, and no event stays.
 */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from '../../support/databases/sqlite.ts'
import { quietLogger } from '../../support/setup.ts'

const acme = { tenantId: 'acme' }
const STOCK = 'create table stock (id int primary key, count int not null)'
const FILL = 'insert into stock values (1, 1), (2, 1)'
const SUM = 'select sum(count) from stock'

/** How a caller's transaction is begun at a level, and ended. */
interface Caller<Tx> {
  readonly name: string
  readonly levels: readonly string[]
  begin(level: string): Promise<Tx>
  end(tx: Tx, how: 'commit' | 'rollback'): Promise<unknown>
}

function commitsAndRollsBack<Tx>(
  { name, levels, begin, end }: Caller<Tx>,
  webhooks: () => {
    publish(type: string, data: object, options: { tenantId: string; tx: Tx }): Promise<unknown>
    events: { list(query: { tenantId: string }): Promise<{ items: readonly { type: string }[] }> }
  },
): void {
  it.each(levels)(`${name} commits and rolls back a publish (%s)`, async (level) => {
    const tenantId = `${name} ${level}`
    const types = async () => (await webhooks().events.list({ tenantId })).items.map(({ type }) => type)
    const lost = await begin(level)
    await webhooks().publish('order.lost', {}, { tenantId, tx: lost })
    await end(lost, 'rollback')
    expect(await types()).toEqual([])
    const kept = await begin(level)
    await webhooks().publish('order.kept', {}, { tenantId, tx: kept })
    await end(kept, 'commit')
    expect(await types()).toEqual(['order.kept'])
  })
}

const LEVELS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const

describe('on Postgres', async () => {
  const { url, drop } = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  const webhooks = createWebhooks({ store: postgresStore({ client: pool }), logger: quietLogger })
  await webhooks.migrate()
  await pool.query(STOCK)
  await pool.query(FILL)
  afterAll(async () => {
    await webhooks.stop()
    await pool.end()
    await drop()
  })

  const begin = async (level: string) => {
    const tx = await pool.connect()
    await tx.query(`begin isolation level ${level}`)
    return tx
  }
  const end = async (tx: pg.PoolClient, how: string) => {
    await tx.query(how)
    tx.release()
  }
  commitsAndRollsBack({ name: 'pg', levels: LEVELS, begin, end }, () => webhooks)

  it.each([
    ['publish', 'the publish itself'],
    ['commit', 'the commit after it'],
  ])(
    'a conflict (40001) that meets %s reaches the caller as it is; nothing is tried again, no event stays',
    async (meets) => {
      const [one, other] = [await begin('serializable'), await begin('serializable')]
      // Each reads what the other writes: no order of the two explains that.
      for (const tx of [one, other]) await tx.query(SUM)
      await one.query('update stock set count = count + 1 where id = 1')
      await other.query('update stock set count = count + 1 where id = 2')
      if (meets === 'commit') await webhooks.publish('order.doomed', {}, { ...acme, tx: other })
      await one.query('commit')
      one.release()

      const statements: unknown[] = []
      const query = other.query.bind(other)
      const told: unknown[] = []
      const watched = new Proxy(other, {
        get(target, name) {
          if (name !== 'query') return Reflect.get(target, name, target)
          return (...given: unknown[]) => {
            statements.push(given)
            const answer = Reflect.apply(query, other, given) as Promise<unknown>
            answer.catch((error) => told.push(error))
            return answer
          }
        },
      })
      const failed = await (meets === 'publish'
        ? webhooks.publish('order.doomed', {}, { ...acme, tx: watched })
        : other.query('commit')
      ).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(pg.DatabaseError)
      expect(failed).toMatchObject({ code: '40001' })
      if (meets === 'publish') {
        expect(told).toEqual([failed])
        expect(told[0]).toBe(failed)
        expect(statements).toHaveLength(1)
      }
      await end(other, 'rollback')
      expect((await webhooks.events.list(acme)).items).toEqual([])
    },
  )
})

const given = await createMysqlDatabase()

describe.skipIf(given === null)('on MariaDB', async () => {
  const pool = mysql.createPool({ uri: given?.url ?? 'mysql://skipped', connectionLimit: 4 })
  const webhooks = createWebhooks({ store: mysqlStore({ client: pool }), logger: quietLogger })
  if (given !== null) {
    await webhooks.migrate()
    await pool.query(`${STOCK} engine = innodb`)
    await pool.query(FILL)
    await pool.query('create table ballast (id int primary key) engine = innodb')
  }
  afterAll(async () => {
    await webhooks.stop()
    await pool.end()
    await given?.drop()
  })

  const begin = async (level: string) => {
    const tx = await pool.getConnection()
    await tx.query(`set transaction isolation level ${level}`)
    await tx.beginTransaction()
    return tx
  }
  const end = async (tx: mysql.PoolConnection, how: 'commit' | 'rollback') => {
    await tx[how]()
    tx.release()
  }
  commitsAndRollsBack({ name: 'mysql2', levels: LEVELS, begin, end }, () => webhooks)

  it('a deadlock (1213) with another transaction reaches the caller as it is, and takes its publish along', async () => {
    const [ours, other] = [await begin('serializable'), await begin('serializable')]
    await webhooks.publish('order.doomed', {}, { ...acme, tx: ours })
    // The server ends the transaction that has changed fewer rows.
    const rows = Array.from({ length: 500 }, (_, index) => `(${index})`)
    await other.query(`insert into ballast values ${rows.join(', ')}`)
    // A plain read locks what it reads at this level: neither can write what the other has read.
    for (const tx of [ours, other]) await tx.query(SUM)
    const write = 'update stock set count = count + 1 where id = ?'
    const won = other.query(write, [2])
    await expect(ours.query(write, [1])).rejects.toMatchObject({ errno: 1213 })
    await won
    // A caller that goes on does not keep half of its transaction.
    await end(ours, 'commit')
    await end(other, 'commit')
    expect((await webhooks.events.list(acme)).items).toEqual([])
  })
})

describe('on SQLite', async () => {
  const file = await createSqliteFile()
  const client = sqliteDrivers['node:sqlite'](file.path)
  const webhooks = createWebhooks({ store: sqliteStore({ client }), logger: quietLogger })
  await webhooks.migrate()
  afterAll(async () => {
    await webhooks.stop()
    client.close()
    await file.remove()
  })
  // Its transactions are serializable; what differs is when they take the lock.
  commitsAndRollsBack(
    {
      name: 'node:sqlite',
      levels: ['deferred', 'immediate', 'exclusive'],
      async begin(level: string) {
        client.exec(`begin ${level}`)
        return client
      },
      end: async (tx: typeof client, how: string) => tx.exec(how),
    },
    () => webhooks,
  )
})
