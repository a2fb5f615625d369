/**
 * How the databases run the hot statements on big tables: by index, without reading a whole table and without a sort of more
 * than the statement's own batch.
 */
import { DatabaseSync } from '@photostructure/sqlite'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { anyTenant, type TenantScope } from '../../../src/model.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { Dialect } from '../../../src/stores/sql/dialect.ts'
import { mysql as mysqlDialect } from '../../../src/stores/sql/dialects/mysql.ts'
import { postgres as postgresDialect } from '../../../src/stores/sql/dialects/postgres.ts'
import { sqlite as sqliteDialect } from '../../../src/stores/sql/dialects/sqlite.ts'
import type { Parameter } from '../../../src/stores/sql/executor.ts'
import { postgresParameters } from '../../../src/stores/sql/executors/postgres-values.ts'
import { createLists } from '../../../src/stores/sql/lists.ts'
import { compile } from '../../../src/stores/sql/template.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { fillTables } from './big-tables.ts'
import { type HotStatement, hotStatements, runsOn } from './hot-statements.ts'
import { BIG, mysqlPlanProblems, postgresPlanProblems, sqlitePlanProblems } from './plan-problems.ts'

function statementOf({ template, values }: HotStatement, dialect: Dialect, namespace: string) {
  const text = typeof template === 'string' ? template : template(dialect)
  const { sql, bind } = compile(text, dialect, (name) => dialect.table(namespace, name), true)
  return { sql, parameters: bind(values) }
}

/** What the planner may know of the tables: how they are, nothing yet, or how they were before a burst. */
const KNOWN = ['as they are', 'never', 'while they were empty'] as const

describe.each(KNOWN)('Postgres, tables analysed %s', (known) => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>
  let pool: pg.Pool
  const run = (sql: string, parameters: readonly Parameter[]) =>
    pool.query(sql, postgresParameters(parameters))
  const table = (name: string) => postgresDialect.table('posthorn', name)
  const tables = ['queue', 'events', 'deliveries', 'attempts', 'tenants', 'subscriptions'].map(table)

  beforeAll(async () => {
    database = await createPostgresDatabase()
    pool = new pg.Pool({ connectionString: database.url, max: 1 })
    await postgresStore({ client: pool }).migrate()
    for (const name of tables) await pool.query(`alter table ${name} set (autovacuum_enabled = off)`)
    if (known === 'while they were empty') await pool.query('vacuum analyze')
    await fillTables(run, postgresDialect, table)
    if (known === 'as they are') await pool.query('vacuum analyze')
  }, 120_000)

  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  it.each(hotStatements.filter(runsOn(postgresDialect)))('$name', async (hot) => {
    const { sql, parameters } = statementOf(hot, postgresDialect, 'posthorn')
    await pool.query('begin')
    const { rows } = await run(`explain (analyze, costs off, timing off) ${sql}`, parameters).finally(() =>
      pool.query('rollback'),
    )
    expect(postgresPlanProblems(rows, hot)).toEqual([])
  })
})

describe('SQLite', () => {
  const client = new DatabaseSync(':memory:')

  beforeAll(async () => {
    await sqliteStore({ client }).migrate()
    const run = async (sql: string, parameters: readonly Parameter[]) =>
      client.prepare(sql).run(...(parameters as (string | number | null)[]))
    await fillTables(run, sqliteDialect, (name) => sqliteDialect.table('posthorn_', name))
    client.exec('analyze')
  }, 120_000)

  afterAll(() => client.close())

  it.each(hotStatements.filter(runsOn(sqliteDialect)))('$name', (hot) => {
    const { sql, parameters } = statementOf(hot, sqliteDialect, 'posthorn_')
    const rows = client
      .prepare(`explain query plan ${sql}`)
      .all(...(parameters as (string | number | null)[]))
    expect(sqlitePlanProblems(rows as Record<string, unknown>[], hot, sql)).toEqual([])
  })

  it('goes from lane to lane without reading a flooding tenant to its end', () => {
    const hot = hotStatements.find(({ name }) => name === 'claim: the next lanes')
    const { sql, parameters } = statementOf(hot as HotStatement, sqliteDialect, 'posthorn_')
    const rows = client
      .prepare(`explain query plan ${sql}`)
      .all(...(parameters as (string | number | null)[]))
    const steps = rows.filter(({ detail }) => String(detail).includes('(tenant_id=? AND subscription_id>?)'))
    expect(steps).toHaveLength(2)
  })
})

const mysqlDatabase = await createMysqlDatabase()
const mysqlPool =
  mysqlDatabase === null ? null : mysql.createPool({ uri: mysqlDatabase.url, connectionLimit: 2 })

describe.skipIf(mysqlPool === null)('MariaDB', () => {
  const client = mysqlPool as mysql.Pool

  beforeAll(async () => {
    await mysqlStore({ client }).migrate()
    const table = (name: string) => mysqlDialect.table('posthorn_', name)
    const run = (sql: string, parameters: readonly Parameter[]) => client.query(sql, [...parameters])
    await fillTables(run, mysqlDialect, table)
    await client.query(`analyze table ${BIG.split('|').map(table).join(', ')}`)
  }, 120_000)

  afterAll(async () => {
    await client.end()
    await mysqlDatabase?.drop()
  })

  it.each(hotStatements.filter(runsOn(mysqlDialect)))('$name', async (hot) => {
    const { sql, parameters } = statementOf(hot, mysqlDialect, 'posthorn_')
    const [rows] = await client.query<mysql.RowDataPacket[]>(`explain ${sql}`, parameters)
    expect(mysqlPlanProblems(rows, hot)).toEqual([])
  })

  it.each([
    ['few keys', ['queue_order', 'queue_order', 'PRIMARY', 'queue_order']],
    ['a long lane', ['queue_lanes', 'queue_order', 'queue_order']],
    ['all keys', ['queue_order', 'queue_order', 'PRIMARY', 'queue_order']],
  ])(
    'regression: releases the first of %s by index, also where nothing has been analysed',
    async (of, wanted) => {
      const hot = hotStatements.find(({ name }) => name === `release: the first of ${of}`)
      const { sql, parameters } = statementOf(hot as HotStatement, mysqlDialect, 'posthorn_fresh_')
      await mysqlStore({ client, prefix: 'posthorn_fresh_' }).migrate()
      const [rows] = await client.query<mysql.RowDataPacket[]>(`explain ${sql}`, parameters)
      const keys = rows.filter(({ table }) => !/^</.test(table)).map(({ key }) => key)
      expect(keys.sort()).toEqual([...wanted].sort())
    },
  )

  it('lists the jobs of all tenants without reading the queue', async () => {
    const connection = await client.getConnection()
    onTestFinished(() => connection.release())
    const statements: [sql: string, parameters: readonly Parameter[]][] = []
    const query = async (sql: string, parameters: readonly Parameter[]) => {
      statements.push([sql, parameters])
      const [rows] = await connection.query<mysql.RowDataPacket[]>(sql, [...parameters])
      return rows
    }
    const table = (name: string) => mysqlDialect.table('posthorn_', name)
    const { listJobs } = createLists({ dialect: mysqlDialect, table, query } as never)
    const store = mysqlStore({ client })
    for (const tenant of ['flood', 'tenant-7', 'one of its own'])
      await store.addJob(tenant, { state: tenant === 'flood' ? 'running' : 'failed' })
    const reads = async () => {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(`show session status like 'Handler_read%'`)
      return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
    }
    const filter: { readonly tenant: TenantScope } = { tenant: anyTenant }
    for (const [page, narrowed] of [
      [{ limit: 50 }, filter],
      [
        { limit: 50, total: true },
        { ...filter, state: 'failed' },
      ],
    ] as const) {
      const before = await reads()
      const { rows, total } = await listJobs(narrowed, page)
      const owners = rows.map(({ tenantId }) => tenantId)
      expect(owners).toEqual(
        'state' in narrowed ? ['one of its own', 'tenant-7'] : ['one of its own', 'tenant-7', 'flood'],
      )
      expect(total).toBe('state' in narrowed ? 2 : null)
      // From tenant to tenant, of which there are 401, a few reads each: not the 20,000 rows.
      expect((await reads()) - before).toBeLessThan(5_000)
    }
    const [[sql, parameters] = ['', []]] = statements
    const [rows] = await connection.query<mysql.RowDataPacket[]>(`explain ${sql}`, [...parameters])
    expect(rows.filter(({ type }) => type === 'ALL').map(({ table: read }) => read)).toEqual(['<derived2>'])
  })
})
