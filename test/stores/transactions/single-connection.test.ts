/**
 * A single connection as the store's client: its session is the caller's, transactions that are open on it too. It publishes and
 * reads; what works, or needs a transaction of the store's own, is refused.
 */
import mariadb from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { anyTenant, createWebhooks } from '../../../src/index.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { createMysqlDatabase, mysqlServer } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { quietLogger } from '../../support/setup.ts'

const ACME = { tenantId: 'acme' }

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** A database with the store over a pool, and over one connection. */
interface Place {
  readonly pooled: SqlStore<never>
  readonly single: SqlStore<unknown>
  /** The open transaction's handle: the connection itself. */
  readonly connection: unknown
  /** A statement of the caller's on the connection. */
  run(statement: string): Promise<unknown>
}

const places: Record<string, () => Promise<Place>> = {
  async 'pg.Client'() {
    const { url, drop } = await createPostgresDatabase()
    const pool = new pg.Pool({ connectionString: url, max: 2 })
    const connection = new pg.Client({ connectionString: url })
    await connection.connect()
    endings.push(
      drop,
      () => pool.end(),
      () => connection.end(),
    )
    const pooled = postgresStore({ client: pool }) as unknown as SqlStore<never>
    const single = postgresStore({ client: connection }) as SqlStore<unknown>
    return { pooled, single, connection, run: (statement) => connection.query(statement) }
  },
  async 'a connection of mysql2'() {
    const { url, pooled } = await onMysql()
    const connection = await mysql.createConnection(url)
    endings.push(() => connection.end())
    const single = mysqlStore({ client: connection }) as SqlStore<unknown>
    return { pooled, single, connection, run: (statement) => connection.query(statement) }
  },
  async 'a connection of mariadb'() {
    const { url, pooled } = await onMysql()
    const { hostname: host, port, pathname } = new URL(url)
    const place = { host, port: Number(port), user: 'root', database: pathname.slice(1) }
    const connection = await mariadb.createConnection(place)
    endings.push(() => connection.end())
    const single = mysqlStore({ client: connection }) as SqlStore<unknown>
    return { pooled, single, connection, run: (statement) => connection.query(statement) }
  },
}

async function onMysql() {
  const database = await createMysqlDatabase()
  if (database === null) throw new Error('There is no MySQL here.')
  const pool = mysql.createPool({ uri: database.url, connectionLimit: 2 })
  endings.push(database.drop, () => pool.end())
  return { url: database.url, pooled: mysqlStore({ client: pool }) as unknown as SqlStore<never> }
}

const hasMysql = (await mysqlServer()) !== null

describe.each(Object.entries(places))('%s', (name, open) => {
  const onServer = it.skipIf(!hasMysql && name !== 'pg.Client')

  /** One subscription and one delivery, made over the pool; a sender over the connection. */
  async function lab() {
    const { pooled, single, connection, run } = await open()
    const over = createWebhooks({ store: pooled, transport: fakeTransport(), logger: quietLogger })
    await over.migrate()
    const { subscription } = await over.subscriptions.create({ ...ACME, url: 'https://receiver.example/' })
    await over.publish('order.paid', {}, ACME)
    await over.drain()
    const [delivery] = (await over.deliveries.list(ACME)).items
    const problems: string[] = []
    const transport = fakeTransport()
    const webhooks = createWebhooks({
      ...{ store: single, transport, logger: quietLogger },
      hooks: { problem: ({ during }) => problems.push(during) },
    })
    const events = async () => (await over.events.list(ACME)).items.length - 1
    const ids = { subscription: subscription.id, delivery: delivery?.id ?? '' }
    return { over, webhooks, transport, problems, connection, run, events, ids }
  }

  onServer("never works: what is open in the caller's transaction is neither claimed nor sent", async () => {
    const { over, webhooks, transport, problems, connection, run, events } = await lab()
    const refused = {
      code: 'INVALID_OPTION',
      path: 'client',
      message: expect.stringMatching(/a (pg Pool|pool of)/),
    }
    await run('begin')
    await webhooks.publish('order.paid', {}, { ...ACME, tx: connection })
    const works = [() => webhooks.start(), () => webhooks.tick({ budgetMs: 5_000 }), () => webhooks.drain()]
    for (const work of [...works, ...works]) await expect(work(), String(work)).rejects.toMatchObject(refused)
    await run('rollback')
    expect([transport.requests.length, await events(), problems]).toEqual([0, 0, []])
    await webhooks.stop()
    await run('begin')
    await webhooks.publish('order.paid', {}, { ...ACME, tx: connection })
    await run('commit')
    await over.drain()
    expect([await events(), (await over.deliveries.list(ACME)).items.length]).toEqual([1, 2])
  })

  onServer('reads, and tells its health', async () => {
    const { webhooks, ids } = await lab()
    expect(await webhooks.health()).toMatchObject({ healthy: true, storeReachable: true })
    expect(await webhooks.deliveries.get(ids.delivery, ACME)).toMatchObject({ state: 'succeeded' })
    for (const list of [webhooks.subscriptions, webhooks.deliveries, webhooks.attempts, webhooks.events])
      expect((await list.list({ ...ACME, total: true })).total).toBe(1)
    expect(await webhooks.stats({ tenantId: anyTenant })).toMatchObject({ attempts: 1 })
    expect(await webhooks.subscriptions.matches({ ...ACME, type: 'order.paid' })).toHaveLength(1)
  })

  onServer('changes nothing but by publishing', async () => {
    const { webhooks, ids, problems } = await lab()
    const calls = [
      () => webhooks.migrate(),
      () => webhooks.subscriptions.create({ ...ACME, url: 'https://other.example/' }),
      () => webhooks.subscriptions.update(ids.subscription, { name: 'other' }, ACME),
      () => webhooks.subscriptions.pause(ids.subscription, ACME),
      () => webhooks.subscriptions.rotateSecret(ids.subscription, ACME),
      () => webhooks.subscriptions.delete(ids.subscription, ACME),
      () => webhooks.deliveries.redeliver(ids.delivery, ACME),
      () => webhooks.deliveries.cancel({ ...ACME, event: 'evt_none' }),
      () => webhooks.eraseTenant('acme'),
    ]
    for (const call of calls)
      await expect(call(), String(call)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(problems).toEqual([])
  })

  onServer('publishes without `tx`, on Postgres only, in whatever is open', async () => {
    const { webhooks, run, events } = await lab()
    const publish = (more: object = {}) => webhooks.publish('order.paid', {}, { ...ACME, ...more })
    if (name !== 'pg.Client') {
      await expect(publish()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      return
    }
    await publish()
    await publish({ idempotencyKey: 'key' })
    await publish({ to: { url: 'https://once.example/' } })
    expect(await events()).toBe(3)
    await run('begin')
    await publish()
    await run('rollback')
    expect(await events()).toBe(3)
  })
})
