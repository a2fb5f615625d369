/** What a caller meets when the database is not there, was lost, or has no tables yet: one code, and words that name the fix. */
import mariadb from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { createWebhooks, PosthornError, type Store } from '../../src/index.ts'
import { mysqlStore } from '../../src/stores/mysql.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { connectionFailure } from '../../src/stores/sql/connection-failure.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { createMysqlDatabase } from '../support/databases/mysql.ts'
import { createPostgresDatabase } from '../support/databases/postgres.ts'
import { freePort } from '../support/databases/server.ts'
import { sqliteDrivers } from '../support/databases/sqlite.ts'
import { quietLogger } from '../support/setup.ts'

const postgresAt = await createPostgresDatabase()
afterAll(postgresAt.drop)
const mysqlAt = await createMysqlDatabase()
afterAll(async () => mysqlAt?.drop())

const acme = { tenantId: 'acme' }

/** Stores over a server at this address; their pools end with the test. */
const stores: Readonly<Record<string, (url: string) => Store<never>>> = {
  pg(url) {
    const client = new pg.Pool({ connectionString: url, max: 2 })
    onTestFinished(() => client.end())
    return postgresStore({ client }) as Store<never>
  },
  'postgres.js'(url) {
    const client = postgres(url, { max: 2, onnotice() {} })
    onTestFinished(() => client.end({ timeout: 0 }))
    return postgresStore({ client }) as Store<never>
  },
  mysql2(url) {
    const client = mysql.createPool({ uri: url, connectionLimit: 2 })
    onTestFinished(() => client.end())
    return mysqlStore({ client }) as Store<never>
  },
  mariadb(url) {
    const { hostname: host, port, pathname } = new URL(url)
    const place = { host, port: Number(port), user: 'root', database: pathname.slice(1) }
    const client = mariadb.createPool({
      ...place,
      connectionLimit: 2,
      acquireTimeout: 300,
      connectTimeout: 200,
    })
    onTestFinished(() => client.end())
    return mysqlStore({ client }) as Store<never>
  },
}

const over = (store: Store<never>) => createWebhooks({ store, logger: quietLogger })
type Posthorn = ReturnType<typeof over>

/** One call of each kind: a read, a write in a transaction, what `publish` does with an id and without, an operator's. */
const calls = (webhooks: Posthorn): readonly (() => Promise<unknown>)[] => [
  () => webhooks.subscriptions.list(acme),
  () => webhooks.subscriptions.create({ ...acme, url: 'https://receiver.example/hook' }),
  () => webhooks.publish('order.paid', {}, acme),
  () => webhooks.publish('order.paid', {}, { ...acme, id: 'evt_1' }),
  () => webhooks.stats(acme),
  () => webhooks.eraseTenant('acme'),
]

async function refusalsOf(works: readonly (() => Promise<unknown>)[]): Promise<readonly PosthornError[]> {
  const refused: PosthornError[] = []
  for (const work of works) {
    const error: unknown = await work().then(
      () => 'was not refused',
      (cause: unknown) => cause,
    )
    expect(error, String(work)).toBeInstanceOf(PosthornError)
    refused.push(error as PosthornError)
  }
  return refused
}

describe.each(Object.keys(stores))('over %s', (driver) => {
  it('a server that is not there is told with what to look at', async () => {
    const scheme = driver === 'pg' || driver === 'postgres.js' ? 'postgres' : 'mysql'
    const webhooks = over(stores[driver]?.(`${scheme}://root@127.0.0.1:${await freePort()}/app`) as never)
    const all = calls(webhooks)
    const starts = [
      () => webhooks.migrate(),
      () => webhooks.start(),
      () => webhooks.tick({ budgetMs: 3_000 }),
    ]
    // One call is enough where each waits for a pool that is slow to give up.
    for (const error of await refusalsOf(
      driver === 'mariadb' || driver === 'postgres.js' ? all.slice(0, 1) : [...all, ...starts],
    )) {
      expect(error).toMatchObject({ code: 'STORE_FAILED', outcomeUnknown: false })
      expect(error.message).toMatch(
        /^The (postgres|mysql) database cannot be reached \(.+\), so nothing was done\. Look whether .+ client that the store was given/,
      )
      expect(error.cause).toMatchObject({ code: expect.any(String) })
    }
  })

  it('tables that are missing are told as `start` tells them', async (context) => {
    const at = driver === 'pg' || driver === 'postgres.js' ? postgresAt : mysqlAt
    if (at === null) return context.skip('no MySQL server')
    await missingAreTold(stores[driver]?.(at.url) as never)
  })
})

async function missingAreTold(store: Store<never>): Promise<void> {
  const webhooks = over(store)
  const [asStarted] = await refusalsOf([() => webhooks.start()])
  expect(asStarted?.message).toMatch(
    /do not exist yet.+run `await webhooks\.migrate\(\)` or `npx posthorn migrate` once/,
  )
  for (const error of await refusalsOf(calls(webhooks)))
    expect([error.code, error.message]).toEqual(['STORE_FAILED', asStarted?.message])
}

it.each(Object.keys(sqliteDrivers))(
  'tables that are missing are told as `start` tells them (%s)',
  async (driver) => {
    const client = sqliteDrivers[driver as keyof typeof sqliteDrivers](':memory:')
    onTestFinished(() => void client.close())
    await missingAreTold(sqliteStore({ client }) as Store<never>)
  },
)

it('a handle that was closed is told as such', async () => {
  const client = sqliteDrivers['node:sqlite'](':memory:')
  const webhooks = over(sqliteStore({ client }) as Store<never>)
  await webhooks.migrate()
  client.close()
  const [error] = await refusalsOf([() => webhooks.subscriptions.list(acme)])
  expect(error).toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining('handle is still open'),
  })
})

it('in a transaction of the caller, every error is the driver’s own', async () => {
  const client = new pg.Pool({ connectionString: postgresAt.url, max: 2 })
  onTestFinished(() => client.end())
  const webhooks = createWebhooks({ store: postgresStore({ client }), logger: quietLogger })
  const tx = await client.connect()
  await tx.query('begin')
  const publishing = webhooks.publish('order.paid', {}, { ...acme, tx })
  await expect(publishing).rejects.toMatchObject({ code: '42P01', name: 'error' })
  await tx.query('rollback')
  tx.release()
})

it('a table that a trigger of the application lacks is no missing table of Posthorn', async () => {
  const client = sqliteDrivers['node:sqlite'](':memory:')
  onTestFinished(() => void client.close())
  const webhooks = over(sqliteStore({ client }) as Store<never>)
  await webhooks.migrate()
  client.exec('create table audit (id text)')
  client.exec(
    'create trigger audits before insert on posthorn_subscriptions begin insert into audit values (1); end',
  )
  client.exec('drop table audit')
  const creating = webhooks.subscriptions.create({ ...acme, url: 'https://receiver.example/hook' })
  await expect(creating).rejects.toMatchObject({
    name: 'Error',
    message: expect.stringMatching(/no such table/),
  })
})

it('over HTTP it is 503 with the time to come back, and the operator is told more', async () => {
  const told: unknown[] = []
  const webhooks = over(stores.pg?.(`postgres://root@127.0.0.1:${await freePort()}/app`) as never)
  const handler = createHandler(webhooks, {
    authorize: () => ({ role: 'tenant', tenantId: 'acme' }),
    onError: (error) => told.push(error),
  })
  const response = await handler(new Request('http://api.test/subscriptions'))
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
  const { code, detail } = (await response.json()) as { code: string; detail: string }
  expect([code, detail]).toEqual(['STORE_FAILED', expect.not.stringContaining('127.0.0.1')])
  expect(told).toMatchObject([{ message: expect.stringContaining('ECONNREFUSED') }])
})

const driver = (code: string | null, message = 'the driver says so') =>
  Object.assign(new Error(message), code === null ? {} : { code })

it.each([
  [driver('ECONNRESET'), true],
  [driver('57P01'), true],
  [driver(null, 'Connection terminated unexpectedly'), true],
  [driver('28P01'), false],
  [driver('3D000'), false],
  [driver('53300'), false],
  [driver('57P03'), false],
  [driver('CONNECT_TIMEOUT'), false],
  [driver('ER_ACCESS_DENIED_ERROR'), false],
  [driver('ER_GET_CONNECTION_TIMEOUT'), false],
  [driver(null, 'timeout exceeded when trying to connect'), false],
  [driver(null, 'Cannot use a pool after calling end on the pool'), false],
])('a connection that is not there, or was lost: %s', (error, outcomeUnknown) => {
  const told = connectionFailure(error, 'postgres')
  expect(told).toMatchObject({ code: 'STORE_FAILED', outcomeUnknown, cause: error })
})

it.each(['23505', '40P01', '42501', '22P02', '57014', 'ER_DUP_ENTRY', 'SQLITE_BUSY', 'SQLITE_FULL'])(
  'what a database says of a statement is no matter of its connection: %s',
  (code) => expect(connectionFailure(driver(code), 'postgres')).toBeNull(),
)

it('quotes of a driver are no part of the message', () => {
  const refused = driver('28P01', 'password authentication failed for user "canary_user"')
  expect(connectionFailure(refused, 'postgres')?.message).not.toContain('canary')
})
