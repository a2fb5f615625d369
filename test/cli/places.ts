/** Databases as a user of the command line names them, and a look past the library at what is in them. */

import mysql from 'mysql2/promise'
import pg from 'pg'
import { createMysqlDatabase, mysqlServer } from '../support/databases/mysql.ts'
import { createPostgresDatabase } from '../support/databases/postgres.ts'
import { createSqliteFile, sqliteDrivers } from '../support/databases/sqlite.ts'

/** An empty database of a test's own. */
export interface CliPlace {
  readonly url: string
  /** Runs statements, one after the other; the rows of the last. */
  run(...sql: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** The names of all tables that are no part of the server, sorted; on Postgres with their schema. */
  tables(): Promise<readonly string[]>
  /** A table's name in a statement. */
  table(name: string): string
  drop(): Promise<void>
}

async function sqlite(): Promise<CliPlace> {
  const file = await createSqliteFile()
  const run: CliPlace['run'] = async (...sql) => {
    const client = sqliteDrivers['node:sqlite'](file.path)
    try {
      return sql.map((one) => client.prepare(one).all()).at(-1) as Record<string, unknown>[]
    } finally {
      client.close()
    }
  }
  return {
    url: `sqlite:${file.path}`,
    run,
    tables: async () =>
      names(await run(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)),
    table: (name) => `posthorn_${name}`,
    drop: file.remove,
  }
}

async function postgres(): Promise<CliPlace> {
  const database = await createPostgresDatabase()
  const run: CliPlace['run'] = async (...sql) => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      let rows: Record<string, unknown>[] = []
      for (const one of sql) rows = (await client.query(one)).rows
      return rows
    } finally {
      await client.end()
    }
  }
  const ours = `table_schema not in ('pg_catalog', 'information_schema')`
  return {
    url: database.url,
    run,
    tables: async () =>
      names(
        await run(
          `select table_schema || '.' || table_name as name from information_schema.tables where ${ours}`,
        ),
      ),
    table: (name) => `posthorn.${name}`,
    drop: database.drop,
  }
}

async function mariadb(): Promise<CliPlace> {
  const database = await createMysqlDatabase()
  if (database === null) throw new Error('There is no MariaDB.')
  const run: CliPlace['run'] = async (...sql) => {
    const connection = await mysql.createConnection(database.url)
    try {
      let rows: Record<string, unknown>[] = []
      for (const one of sql) rows = (await connection.query(one))[0] as Record<string, unknown>[]
      return rows
    } finally {
      await connection.end()
    }
  }
  return {
    url: database.url,
    run,
    tables: async () =>
      names(
        await run('select table_name as name from information_schema.tables where table_schema = database()'),
      ),
    table: (name) => `posthorn_${name}`,
    drop: database.drop,
  }
}

const names = (rows: readonly Readonly<Record<string, unknown>>[]): readonly string[] =>
  rows.map(({ name }) => String(name)).sort()

/** By the name of the database; MariaDB where there is one. */
export const places: readonly (readonly [name: string, create: () => Promise<CliPlace>])[] = [
  ['sqlite', sqlite],
  ['postgres', postgres],
  ...((await mysqlServer()) === null ? [] : [['mysql', mariadb] as const]),
]
