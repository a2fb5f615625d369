/**
 * Transactions of two callers on MySQL (run on MariaDB) that publish at the same time: what waits for what, how the wait ends, and what
 * a publish leaves behind that was refused for it.
 */
import mysql from 'mysql2/promise'
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { fakeTransport } from '../../../src/testing/index.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { quietLogger } from '../../support/setup.ts'

const given = await createMysqlDatabase()
const LEVELS = ['read committed', 'repeatable read', 'serializable'] as const

describe.skipIf(given === null)('two transactions on MariaDB', () => {
  const pool = mysql.createPool({ uri: given?.url ?? 'mysql://skipped', connectionLimit: 6 })
  const transport = fakeTransport()
  let tenants = 0
  let tenantId = ''
  let webhooks = createWebhooks({ store: mysqlStore({ client: pool }), transport, logger: quietLogger })

  beforeEach(async () => {
    tenants += 1
    tenantId = `tenant-${tenants}`
    // Tables of the case's own, empty as on the first day.
    const store = mysqlStore({ client: pool, prefix: `case_${tenants}_` })
    webhooks = createWebhooks({ store, transport, logger: quietLogger })
    await webhooks.migrate()
  })
  afterAll(async () => {
    await pool.end()
    await given?.drop()
  })

  /** A transaction whose statements wait a second for a lock, where the server's default is 50. */
  async function begin(level: string): Promise<mysql.PoolConnection> {
    const tx = await pool.getConnection()
    await tx.query('set session innodb_lock_wait_timeout = 1')
    await tx.query(`set transaction isolation level ${level}`)
    await tx.beginTransaction()
    onTestFinished(async () => {
      await tx.rollback()
      tx.release()
    })
    return tx
  }

  const ids = async () => (await webhooks.events.list({ tenantId })).items.map(({ id }) => id).sort()

  /** Until a connection waits for a lock. The server renews what it tells only when nobody has asked for 100 ms. */
  const waits = (tx: mysql.PoolConnection) =>
    expect
      .poll(
        async () => {
          const [rows] = await pool.query<mysql.RowDataPacket[]>(
            `select 1 from information_schema.innodb_trx where trx_mysql_thread_id = ? and trx_state = 'LOCK WAIT'`,
            [tx.threadId],
          )
          return rows.length
        },
        { interval: 200, timeout: 15_000 },
      )
      .toBe(1)

  describe.each(LEVELS)('in %s', (level) => {
    it.each([
      ['no ids of their own', {}, {}],
      ['ids of their own', { id: 'evt_one' }, { id: 'evt_other' }],
      ['keys of their own', { idempotencyKey: 'one' }, { idempotencyKey: 'other' }],
    ])('publish with %s, and neither waits for the other', async (_name, first, second) => {
      const [one, other] = [await begin(level), await begin(level)]
      await webhooks.publish('order.one', {}, { tenantId, ...first, tx: one })
      await webhooks.publish('order.other', {}, { tenantId, ...second, tx: other })
      await other.commit()
      expect(await ids()).toHaveLength(1)
      await one.commit()
      expect(await ids()).toHaveLength(2)
    })

    it.each([
      ['id', { id: 'evt_same' }, 'commit', true],
      ['key', { idempotencyKey: 'same' }, 'commit', true],
      ['id', { id: 'evt_same' }, 'rollback', false],
      ['key', { idempotencyKey: 'same' }, 'rollback', false],
    ] as const)(
      'of the same %s: the second waits for the %3$s of the first',
      async (_name, same, end, duplicate) => {
        const [one, other] = [await begin(level), await begin(level)]
        await other.query('set session innodb_lock_wait_timeout = 50')
        await webhooks.publish('order.one', {}, { tenantId, ...same, tx: one })
        const waiting = webhooks.publish('order.one', {}, { tenantId, ...same, tx: other })
        await waits(other)
        await one[end]()
        expect(await waiting).toMatchObject({ duplicate })
        await other.commit()
        expect(await ids()).toHaveLength(1)
      },
    )

    it('of the same id: the wait that is too long ends with the error of the driver, and nothing else of the second', async () => {
      const [one, other] = [await begin(level), await begin(level)]
      await webhooks.publish('order.one', {}, { tenantId, id: 'evt_same', tx: one })
      await expect(
        webhooks.publish('order.one', {}, { tenantId, id: 'evt_same', tx: other }),
      ).rejects.toMatchObject({ errno: 1205, code: 'ER_LOCK_WAIT_TIMEOUT' })
      await other.commit()
      await one.rollback()
      expect(await ids()).toEqual([])
    })
  })

  it('what a publish had inserted before it was refused is taken back, although its caller goes on and commits', async () => {
    await webhooks.subscriptions.create({ tenantId, url: `https://${tenantId}.example/hook` })
    // A report of the operator's that keeps the queue as it is.
    const report = await begin('repeatable read')
    await report.query(`select * from case_${tenants}_queue lock in share mode`)
    const tx = await begin('read committed')
    const publish = (options: object) =>
      webhooks.publish('order.paid', {}, { tenantId, idempotencyKey: 'once', ...options })
    await expect(publish({ tx })).rejects.toMatchObject({ errno: 1205 })
    await tx.commit()
    await report.commit()
    expect(await ids()).toEqual([])

    expect(await publish({})).toMatchObject({ duplicate: false })
    await webhooks.drain()
    expect(transport.requests.filter(({ url }) => url.includes(`${tenantId}.example`))).toHaveLength(1)
    await webhooks.stop()
  })

  it('a publish without tx does not wait for ever for the one of an open transaction: the deadline of the store ends it', async () => {
    const store = mysqlStore({ client: pool, prefix: `case_${tenants}_`, queryTimeoutMs: 300 })
    const hasty = createWebhooks({ store, transport, logger: quietLogger })
    const tx = await begin('serializable')
    await webhooks.publish('order.paid', {}, { tenantId, id: 'evt_same', tx })
    await expect(hasty.publish('order.paid', {}, { tenantId, id: 'evt_same' })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      outcomeUnknown: true,
    })
    await tx.commit()
    expect(await ids()).toEqual(['evt_same'])
    await hasty.stop()
  })
})
