/**
 * A store whose process dies after a statement that fits, before the transaction around it commits. The drivers' own connections
 * are taught so, because nothing of the library stands between two statements of one transaction.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { StorePlace } from '../../../src/cli/open-store.ts'
import type { Store } from '../../../src/store.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { type SqliteClient, sqliteStore } from '../../../src/stores/sqlite.ts'

type Call = (...given: unknown[]) => unknown

/** `die` is called once such a statement has run. */
export function openMortalStore({ url }: StorePlace, fits: RegExp, die: () => never): Store<never> {
  const mortal =
    (call: Call): Call =>
    (statement, ...more) => {
      const answer = call(statement, ...more)
      if (!fits.test(textOf(statement))) return answer
      return answer instanceof Promise ? answer.then(die) : die()
    }
  if (/^postgres/.test(url)) {
    class MortalClient extends pg.Client {
      override query = mortal(super.query.bind(this) as Call) as pg.Client['query']
    }
    return postgresStore({ client: new pg.Pool({ connectionString: url, Client: MortalClient } as never) })
  }
  if (/^mysql/.test(url)) {
    const pool = mysql.createPool(url)
    const borrow = pool.getConnection.bind(pool)
    pool.getConnection = async () => {
      const connection = await borrow()
      return Object.assign(connection, { query: mortal(connection.query.bind(connection) as Call) })
    }
    return mysqlStore({ client: pool })
  }
  // A native module: it cannot be part of the bundle.
  const require = createRequire(join(process.cwd(), 'package.json'))
  const { DatabaseSync } = require('@photostructure/sqlite') as {
    DatabaseSync: new (path: string) => SqliteClient
  }
  class MortalDatabase extends DatabaseSync {
    override prepare(sql: string) {
      const statement = super.prepare(sql)
      if (!fits.test(sql)) return statement
      const last = (method: 'run' | 'all') =>
        mortal((_, ...values) => statement[method](...values)).bind(null, sql) as never
      return { run: last('run'), all: last('all') }
    }
  }
  return sqliteStore({ client: new MortalDatabase(url.replace(/^sqlite:/, '')) })
}

/** Of a statement as text, or of the drivers' objects around one. */
function textOf(statement: unknown): string {
  const { text, sql } = Object(statement) as { text?: unknown; sql?: unknown }
  return String(text ?? sql ?? statement)
}
