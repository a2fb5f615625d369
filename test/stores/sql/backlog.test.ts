/** How much waits, on tables with more of it than is counted. */
import { DatabaseSync } from '@photostructure/sqlite'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyTenant } from '../../../src/model.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { EXACT } from '../../../src/stores/sql/backlog.ts'
import type { Dialect } from '../../../src/stores/sql/dialect.ts'
import { mysql as mysqlDialect } from '../../../src/stores/sql/dialects/mysql.ts'
import { postgres as postgresDialect } from '../../../src/stores/sql/dialects/postgres.ts'
import { sqlite as sqliteDialect } from '../../../src/stores/sql/dialects/sqlite.ts'
import type { Parameter } from '../../../src/stores/sql/executor.ts'
import { postgresParameters } from '../../../src/stores/sql/executors/postgres-values.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { manualClock } from '../../../src/testing/index.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { FILLED_AT, fillTables, ROWS } from './big-tables.ts'

interface Opened {
  readonly store: SqlStore<never>
  readonly dialect: Dialect
  readonly namespace: string
  readonly run: (sql: string, parameters: readonly Parameter[]) => Promise<unknown>
  readonly analyze: string
  readonly close: () => Promise<void>
}

const clock = manualClock(FILLED_AT / 1000)
const mysqlDatabase = await createMysqlDatabase()

async function onPostgres(): Promise<Opened> {
  const database = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  return {
    store: postgresStore({ client: pool, clock }) as SqlStore<never>,
    ...{ dialect: postgresDialect, namespace: 'posthorn', analyze: 'vacuum analyze' },
    run: (sql, parameters) => pool.query(sql, postgresParameters(parameters)),
    async close() {
      await pool.end()
      await database.drop()
    },
  }
}

async function onMysql(): Promise<Opened> {
  const client = mysql.createPool({ uri: mysqlDatabase?.url ?? '', connectionLimit: 2 })
  return {
    store: mysqlStore({ client, clock }) as SqlStore<never>,
    ...{ dialect: mysqlDialect, namespace: 'posthorn_', analyze: 'analyze table posthorn_queue' },
    run: (sql, parameters) => client.query(sql, [...parameters]),
    async close() {
      await client.end()
      await mysqlDatabase?.drop()
    },
  }
}

async function onSqlite(): Promise<Opened> {
  const client = new DatabaseSync(':memory:')
  return {
    store: sqliteStore({ client, clock }) as SqlStore<never>,
    ...{ dialect: sqliteDialect, namespace: 'posthorn_', analyze: 'analyze' },
    run: async (sql, parameters) => client.prepare(sql).run(...(parameters as (string | number | null)[])),
    close: async () => client.close(),
  }
}

const KEPT = `tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence, expires_at,
  released, in_order, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before`

/** The rows of `fillTables`: a third of each kind; due is what lies on the first third, in steps of a millisecond into the past. */
const third = (rest: number) => Math.ceil((ROWS - rest) / 3)
const TRUE = { due: third(0), scheduled: third(1), held: third(2) }
const TIMES = 4
const OLDEST = FILLED_AT / 1000 - 3 * (TRUE.due - 1)

describe.each([
  ['Postgres', onPostgres, false],
  ['MariaDB', onMysql, mysqlDatabase === null],
  ['SQLite', onSqlite, false],
] as const)('%s', (name, open, missing) => {
  describe.skipIf(missing)('how much waits', () => {
    let opened: Opened

    beforeAll(async () => {
      opened = await open()
      await opened.store.migrate()
      await fillTables(opened.run, opened.dialect, (table) => opened.dialect.table(opened.namespace, table))
      await opened.run(opened.analyze, [])
    }, 120_000)
    afterAll(() => opened.close())

    it('is exact up to ten thousand of a kind, and so is the oldest', async () => {
      expect(await opened.store.backlog({ tenant: anyTenant })).toEqual({ ...TRUE, oldestDueAt: OLDEST })
      const tenants = ['flood', ...Array.from({ length: 400 }, (_, n) => `tenant-${n}`)]
      expect(await opened.store.backlog({ tenant: tenants })).toEqual({ ...TRUE, oldestDueAt: OLDEST })
      for (const tenant of ['flood', 'tenant-7'])
        expect(await opened.store.backlog({ tenant })).toEqual(
          await opened.store.backlog({ tenant: [tenant, '-'] }),
        )
      const lane = { tenant: 'flood', subscriptionId: 'sub-2' }
      const one = await opened.store.backlog(lane)
      expect(one).toEqual(await opened.store.backlog({ ...lane, tenant: ['flood'] }))
      expect(Math.min(one.due, one.scheduled, one.held)).toBeGreaterThan(100)
    })

    it('is an estimate above, and the oldest is still exact', async () => {
      const queue = opened.dialect.table(opened.namespace, 'queue')
      const one = `update ${queue} set subscription_id = 'sub-2' where tenant_id = 'flood' and kind = 1`
      await opened.run(one, [])
      for (let times = 1; times < TIMES; times *= 2)
        await opened.run(`insert into ${queue} (${KEPT}) select ${KEPT} from ${queue}`, [])
      await opened.run(opened.analyze, [])
      const all = await opened.store.backlog({ tenant: anyTenant })
      const lane = await opened.store.backlog({ tenant: 'flood', subscriptionId: 'sub-2' })
      const exact = await opened.store.backlog({ tenant: ['flood'], subscriptionId: 'sub-2' })
      expect([all.oldestDueAt, lane.oldestDueAt]).toEqual([OLDEST, exact.oldestDueAt])
      for (const kind of ['due', 'scheduled', 'held'] as const) {
        expect([kind, all[kind] > EXACT, isNear(all[kind], TIMES * TRUE[kind])]).toEqual([kind, true, true])
        expect([kind, isNear(lane[kind], exact[kind])]).toEqual([kind, true])
      }
      expect([lane.due < EXACT, lane.due]).toEqual([true, exact.due])
      expect(Math.min(lane.scheduled, lane.held)).toBeGreaterThan(EXACT)
      if (name === 'SQLite') expect(lane).toEqual(exact)
      const tenant = await opened.store.backlog({ tenant: 'flood' })
      const whole = await opened.store.backlog({ tenant: ['flood', '-'] })
      expect([tenant.oldestDueAt, tenant.held > EXACT]).toEqual([whole.oldestDueAt, true])
      for (const kind of ['due', 'scheduled', 'held'] as const)
        expect([kind, isNear(tenant[kind], whole[kind])]).toEqual([kind, true])
    }, 120_000)
  })
})

/** A planner knows a sample. */
const isNear = (guess: number, truth: number) => guess >= truth / 3 && guess <= truth * 3
