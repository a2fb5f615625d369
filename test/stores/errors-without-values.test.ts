/**
 * What a real database refuses is told without what it was asked to store: no secret, header value or body stands in an error,
 * its message, its stack or its causes, in a log line or a hook, whatever the driver puts into its own errors.
 */
import { inspect } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import mariadb from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, it } from 'vitest'
import { createWebhooks, type Store } from '../../src/index.ts'
import { mysqlStore } from '../../src/stores/mysql.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { createMysqlDatabase } from '../support/databases/mysql.ts'
import { createPostgresDatabase } from '../support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from '../support/databases/sqlite.ts'

/** Schemas and prefixes, so that the drivers of one server don't meet. */
const NAMESPACES: Readonly<Record<string, string>> = {
  ...{ pg: 'by_pg', 'postgres.js': 'by_js', PGlite: 'by_lite', mysql2: 'by2_', mariadb: 'bym_' },
  ...{ 'node:sqlite': 'posthorn_', 'better-sqlite3': 'posthorn_' },
}

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const postgresAt = await createPostgresDatabase()
endings.push(postgresAt.drop)
const mysqlAt = await createMysqlDatabase()
if (mysqlAt !== null) endings.push(mysqlAt.drop)

/** A store over a real client, and a way to run a statement of the test's own. */
interface Place {
  readonly store: Store<never>
  run(sql: string): Promise<unknown>
}

const kept = <T>(client: T, end: (client: T) => unknown): T => {
  endings.push(() => end(client))
  return client
}

const places: Readonly<Record<string, () => Promise<Place | null>>> = {
  async pg() {
    const client = kept(new pg.Pool({ connectionString: postgresAt.url, max: 3 }), (pool) => pool.end())
    return {
      store: postgresStore({ client, schema: 'by_pg' }) as Store<never>,
      run: (sql) => client.query(sql),
    }
  },
  async 'postgres.js'() {
    const client = kept(postgres(postgresAt.url, { max: 3, onnotice() {} }), (sql) => sql.end())
    const store = postgresStore({ client, schema: 'by_js' }) as Store<never>
    return { store, run: (sql) => client.unsafe(sql) }
  },
  async PGlite() {
    const client = kept(await PGlite.create(), (lite) => lite.close())
    const store = postgresStore({ client, schema: 'by_lite' }) as Store<never>
    return { store, run: (sql) => client.exec(sql) }
  },
  async mysql2() {
    if (mysqlAt === null) return null
    const client = kept(mysql.createPool({ uri: mysqlAt.url, connectionLimit: 3 }), (pool) => pool.end())
    return { store: mysqlStore({ client, prefix: 'by2_' }) as Store<never>, run: (sql) => client.query(sql) }
  },
  async mariadb() {
    if (mysqlAt === null) return null
    const { hostname: host, port, pathname } = new URL(mysqlAt.url)
    const settings = { host, port: Number(port), user: 'root', database: pathname.slice(1) }
    const client = kept(mariadb.createPool({ ...settings, connectionLimit: 3 }), (pool) => pool.end())
    return { store: mysqlStore({ client, prefix: 'bym_' }) as Store<never>, run: (sql) => client.query(sql) }
  },
  'node:sqlite': () => sqlite('node:sqlite'),
  'better-sqlite3': () => sqlite('better-sqlite3'),
}

async function sqlite(driver: keyof typeof sqliteDrivers): Promise<Place> {
  const file = kept(await createSqliteFile(), (one) => one.remove())
  const client = kept(sqliteDrivers[driver](file.path), (handle) => handle.close())
  const store = sqliteStore({ client }) as Store<never>
  endings.push(() => store.close())
  return { store, run: async (sql) => client.exec(sql) }
}

/** Ways in which each database refuses rows; most of them quote what they refuse. `at` names a table. */
const sabotage: Readonly<Record<string, (at: (table: string) => string) => readonly string[]>> = {
  postgres: (at) => [
    `alter table ${at('subscriptions')} add constraint refuses check (revision < 0) not valid`,
    `create function ${at('refuse')}() returns trigger language plpgsql as $$ begin raise exception 'refused %', new; end $$`,
    ...['events', 'deliveries', 'attempts'].map(
      (table) =>
        `create trigger refuses before insert on ${at(table)} for each row execute function ${at('refuse')}()`,
    ),
  ],
  mysql: (at) =>
    Object.entries({
      events: 'test = new.body',
      subscriptions: 'revision = concat(new.headers, new.secrets)',
      deliveries: 'test = new.event_id',
      attempts: 'number = new.excerpt',
    }).flatMap(([table, takes]) =>
      ['insert', 'update'].map(
        (when) =>
          `create trigger ${at(`${when}_${table}`)} before ${when} on ${at(table)} for each row set new.${takes}`,
      ),
    ),
  sqlite: (at) =>
    ['events', 'subscriptions', 'deliveries', 'attempts'].flatMap((table) =>
      ['insert', 'update'].map(
        (when) =>
          `create trigger refuses_${when}_${table} before ${when} on ${at(table)} begin select raise(abort, 'refused'); end`,
      ),
    ),
}

let count = 0
/** An obviously fake text that looks like nothing else. */
const canary = () => `fakeCanary${++count}x${Math.random().toString(36).slice(2, 14)}`

/** Everything of a value: what is hidden, what getters give, every cause. */
const flat = (value: unknown): string =>
  inspect(value, { depth: 20, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null })

const TENANT = { tenantId: 'acme' }
const URL_OF = 'https://receiver.example/hook'

describe.each(Object.entries(places))('over %s', (driver, open) => {
  it('no error, log line or hook has what the database refused', { timeout: 60_000 }, async (context) => {
    const place = await open()
    if (place === null)
      return context.skip('no MySQL server: set POSTHORN_TEST_MYSQL_URL, or put mariadbd on the PATH')
    const { store, run } = place
    const said: unknown[] = []
    const errors: unknown[] = []
    const secrets: string[] = []
    const fresh = () => {
      const made = canary()
      secrets.push(made)
      return made
    }
    const log = (...line: unknown[]) => said.push(line)
    const hook = (report: unknown) => said.push(report)
    const excerpt = fresh()
    const webhooks = createWebhooks({
      store,
      transport: fakeTransport(() => ({ status: 500, body: excerpt })),
      logger: { debug: log, info: log, warn: log, error: log },
      hooks: { published: hook, attempted: hook, ended: hook, subscriptionChanged: hook, problem: hook },
      breaker: false,
    })
    await webhooks.migrate()
    const { subscription } = await webhooks.subscriptions.create({ ...TENANT, url: URL_OF })
    await webhooks.publish('a', { note: fresh() }, TENANT)
    const dialect = place.store.name
    const at = (table: string) =>
      dialect === 'postgres' ? `${NAMESPACES[driver]}.${table}` : `${NAMESPACES[driver]}${table}`
    for (const statement of sabotage[dialect]?.(at) ?? []) await run(statement)

    const { subscriptions } = webhooks
    const refused = async (call: () => Promise<unknown>) => {
      await call().then(
        () => expect.unreachable('the database took it'),
        (error: unknown) => errors.push(error),
      )
    }
    const headers = () => ({ authorization: `Bearer ${fresh()}`, 'x-key': `it's "${fresh()}"` })
    const quoted = () => ({ text: `it's "${fresh()}"\n    at ${fresh()}`, more: [fresh()] })
    await refused(() => webhooks.publish('a', quoted(), TENANT))
    await refused(() => webhooks.publish('a', quoted(), { ...TENANT, idempotencyKey: fresh() }))
    await refused(() => webhooks.publish('a', {}, { ...TENANT, metadata: { m: fresh() } }))
    await refused(() => webhooks.publishMany([{ type: 'a', data: quoted(), ...TENANT }]))
    const to = { url: `https://once.example/?token=${fresh()}`, headers: headers() }
    await refused(() => webhooks.publish('a', quoted(), { ...TENANT, to }))
    const made = {
      ...TENANT,
      url: URL_OF,
      secret: `whsec_${btoa(fresh().padEnd(32, 'x'))}`,
      headers: headers(),
    }
    secrets.push(made.secret)
    await refused(() => subscriptions.create(made))
    await refused(() => subscriptions.update(subscription.id, { headers: headers() }, TENANT))
    const secret = `whsec_${btoa(fresh().padEnd(32, 'x'))}`
    secrets.push(secret)
    await refused(() => subscriptions.rotateSecret(subscription.id, { ...TENANT, secret }))
    await webhooks.drain()
    await webhooks.stop()

    expect(errors.map((error) => (error as { code?: unknown }).code)).not.toContain('INVALID_SECRET')
    expect(said.length).toBeGreaterThan(2)
    expect(flat(said)).toMatch(/did not take|record/)
    const found = secrets.filter((one) => flat(errors).includes(one) || flat(said).includes(one))
    expect(found).toEqual([])
  })
})
