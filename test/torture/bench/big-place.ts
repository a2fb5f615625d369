/** A database of millions of rows, written by the database itself: finished history, scheduled deliveries, due events. */
import { DatabaseSync } from '@photostructure/sqlite'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Dialect } from '../../../src/stores/sql/dialect.ts'
import { mysql as mysqlDialect } from '../../../src/stores/sql/dialects/mysql.ts'
import { postgres as postgresDialect } from '../../../src/stores/sql/dialects/postgres.ts'
import { sqlite as sqliteDialect } from '../../../src/stores/sql/dialects/sqlite.ts'
import type { Database } from '../../../src/stores/sql/executor.ts'
import { mysqlDatabase } from '../../../src/stores/sql/executors/mysql.ts'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { postgresParameters } from '../../../src/stores/sql/executors/postgres-values.ts'
import { sqliteDatabase } from '../../../src/stores/sql/executors/sqlite.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import type { Bench, Kind } from '../scenario.ts'

type Row = Readonly<Record<string, unknown>>
type Parameters = readonly (string | number | null)[]

/** A database, and how it words the fill. */
export interface BigPlace {
  readonly kind: Kind
  readonly dialect: Dialect
  readonly namespace: string
  readonly database: Database<never>
  /** A statement of the scenario's own, beside the store. */
  rows(sql: string, parameters?: Parameters): Promise<readonly Row[]>
  readonly table: (name: string) => string
  /** The numbers from `from` to `to`, as a source with the column n. */
  readonly series: (from: number, to: number) => string
  readonly join: (prefix: string, number: string) => string
  /** Tells the planner what there is. */
  readonly settle: string
}

/** Statements that fill and vacuum have no deadline to speak of. */
const PATIENT = { queryTimeoutMs: 3_000_000 }

/** Null where there is no such server. */
export async function openBigPlace(bench: Bench, kind: Kind): Promise<BigPlace | null> {
  if (kind === 'postgres') return onPostgres(bench)
  return kind === 'mysql' ? onMysql(bench) : onSqlite(bench)
}

async function onPostgres(bench: Bench): Promise<BigPlace> {
  const server = await bench.ownPostgres(['shared_buffers=512MB', 'max_wal_size=8GB'])
  const client = new pg.Pool({ connectionString: server.url, max: 12 })
  bench.after(() => client.end())
  return {
    kind: 'postgres',
    dialect: postgresDialect,
    namespace: 'posthorn',
    database: postgresDatabase(client, PATIENT) as Database<never>,
    rows: async (sql, parameters = []) => (await client.query(sql, postgresParameters(parameters))).rows,
    table: (name) => postgresDialect.table('posthorn', name),
    series: (from, to) => `generate_series(${from}, ${to}) as s(n)`,
    join: (prefix, number) => `'${prefix}' || (${number})`,
    settle: 'vacuum analyze',
  }
}

async function onSqlite(bench: Bench): Promise<BigPlace> {
  const folder = await temporaryFolder('big')
  bench.after(folder.remove)
  const client = new DatabaseSync(`${folder.path}/big.db`)
  bench.after(() => client.close())
  client.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -200000')
  const database = sqliteDatabase(client, PATIENT) as Database<never>
  bench.after(() => database.close())
  return {
    kind: 'sqlite',
    dialect: sqliteDialect,
    namespace: 'posthorn_',
    database,
    rows: async (sql, parameters = []) => client.prepare(sql).all(...parameters) as Row[],
    table: (name) => sqliteDialect.table('posthorn_', name),
    series: (from, to) =>
      `(with recursive s(n) as (select ${from} union all select n + 1 from s where n < ${to}) select n from s) s`,
    join: (prefix, number) => `'${prefix}' || (${number})`,
    settle: 'analyze',
  }
}

async function onMysql(bench: Bench): Promise<BigPlace | null> {
  const place = await bench.place('mysql')
  if (place === null) return null
  const client = mysql.createPool({ uri: place.url, connectionLimit: 12 })
  bench.after(() => client.end())
  await client.query('set global innodb_buffer_pool_size = 1073741824')
  const table = (name: string) => mysqlDialect.table('posthorn_', name)
  return {
    kind: 'mysql',
    dialect: mysqlDialect,
    namespace: 'posthorn_',
    database: mysqlDatabase(client, PATIENT) as Database<never>,
    async rows(sql, parameters = []) {
      const [rows] = await client.query(sql, [...parameters])
      return Array.isArray(rows) ? (rows as Row[]) : []
    },
    table,
    series: (from, to) => `(select seq as n from seq_${from}_to_${to}) s`,
    join: (prefix, number) => `concat('${prefix}', ${number})`,
    settle: `analyze table ${['queue', 'events', 'deliveries', 'attempts'].map(table).join(', ')}`,
  }
}
