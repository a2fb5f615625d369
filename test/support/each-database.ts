/** The engine over each database of this run, with the manual clock: one database for a test file, emptied for every test. */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import type { Store } from '../../src/store.ts'
import { mysqlStore } from '../../src/stores/mysql.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'
import { emptyStores, type SqlUnderTest } from '../stores/sql/make-store.ts'
import { onPool } from '../stores/sql/on-pool.ts'
import { createMysqlDatabase, mysqlServer } from './databases/mysql.ts'
import { createPostgresDatabase } from './databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from './databases/sqlite.ts'
import { quietLogger, type setup } from './setup.ts'
import type { StoreAndClock } from './shared-limits.ts'

interface Opened {
  readonly sql: SqlUnderTest
  close(): Promise<void>
}

const open: Readonly<Record<string, () => Promise<Opened | null>>> = {
  async sqlite() {
    const file = await createSqliteFile()
    const client = sqliteDrivers['node:sqlite'](file.path)
    return {
      sql: {
        store: (clock) => sqliteStore({ client, clock }) as never,
        run: async (sql) => client.exec(sql),
        table: (name) => `posthorn_${name}`,
      },
      async close() {
        client.close()
        await file.remove()
      },
    }
  },
  async postgres() {
    const database = await createPostgresDatabase()
    const client = new pg.Pool({ connectionString: database.url, max: 8 })
    return {
      sql: onPool(client),
      async close() {
        await client.end()
        await database.drop()
      },
    }
  },
  async mysql() {
    const database = await createMysqlDatabase()
    if (database === null) return null
    const client = mysql.createPool({ uri: database.url, connectionLimit: 8 })
    return {
      sql: {
        store: (clock) => mysqlStore({ client, clock }) as never,
        run: (sql) => client.query(sql),
        table: (name) => `posthorn_${name}`,
      },
      async close() {
        await client.end()
        await database.drop()
      },
    }
  },
}

const hasMysql = (await mysqlServer()) !== null

/** Like `setup`, over the database at hand; its store is empty. */
export type SetupOn = (
  options?: Parameters<typeof setup>[0],
) => Promise<ReturnType<typeof setupOver> & { readonly sql: SqlUnderTest }>

function setupOver({ store, clock }: StoreAndClock, options: Parameters<typeof setup>[0] = {}) {
  const { answer, ...rest } = options
  const transport = fakeTransport(answer)
  const webhooks = createWebhooks({ store, transport, clock, logger: quietLogger, random: () => 0, ...rest })
  const subscribe = (tenantId = 'acme', extra: object = {}) =>
    webhooks.subscriptions.create({ tenantId, url: 'https://receiver.example/hook', ...extra })
  return { clock, store, transport, webhooks, subscribe }
}

/** One `describe` for each database; MariaDB's is skipped where there is none. */
export function describeOnEach(tests: (setupOn: SetupOn) => void): void {
  for (const [name, opening] of Object.entries(open)) {
    describe.skipIf(name === 'mysql' && !hasMysql)(`on ${name}`, () => {
      let opened: Opened | null = null
      beforeAll(async () => {
        opened = await opening()
      })
      afterAll(() => opened?.close())
      const empty = emptyStores(() => {
        if (opened === null) throw new Error(`${name} was not opened.`)
        return opened.sql
      })
      tests(async (options = {}) => {
        const { store, clock } = await empty()
        if (opened === null) throw new Error(`${name} was not opened.`)
        const { sql } = opened
        return { ...setupOver({ store: store as Store<never>, clock: clock as ManualClock }, options), sql }
      })
    })
  }
}
