/**
 * A caller: transactions with a row of its own and a publish in each. Some roll back; the process may be killed at any
 * statement. What it believes to have committed it writes down afterwards.
 */
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createWebhooks } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { type SqliteClient, sqliteStore } from '../../../src/stores/sqlite.ts'
import { quietLogger } from '../../support/setup.ts'

/** An open transaction of the caller's. */
interface Open {
  readonly tx: unknown
  run(sql: string): unknown
  /** Gives the connection back. */
  end(): void
}

interface Caller {
  readonly store: Store<never>
  /** Transactions that it may have open at a time. */
  readonly atOnce: number
  begin(): Promise<Open>
}

/** A fifth of what a process is to do, so that a kill near its end hits a fifth of all, each at a statement of its own. */
export const AT_ONCE = 20

const callers: Readonly<Record<string, (url: string) => Caller>> = {
  postgres(url) {
    const pool = new Pool({ connectionString: url, max: AT_ONCE })
    return {
      store: postgresStore({ client: pool }) as Store<never>,
      atOnce: AT_ONCE,
      async begin() {
        const client = await pool.connect()
        await client.query('begin')
        return { tx: client, run: (sql) => client.query(sql), end: () => client.release() }
      },
    }
  },
  mysql(url) {
    const pool = createPool({ uri: url, connectionLimit: AT_ONCE })
    return {
      store: mysqlStore({ client: pool }) as Store<never>,
      atOnce: AT_ONCE,
      async begin() {
        const connection = await pool.getConnection()
        await connection.beginTransaction()
        return { tx: connection, run: (sql) => connection.query(sql), end: () => connection.release() }
      },
    }
  },
  /** One handle has one transaction; the statements run at once, so that nothing comes between them. */
  sqlite(url) {
    const require = createRequire(join(process.cwd(), 'package.json'))
    const { DatabaseSync } = require('@photostructure/sqlite') as {
      DatabaseSync: new (path: string) => SqliteClient
    }
    const client = new DatabaseSync(url.replace(/^sqlite:/, ''))
    client.exec('pragma busy_timeout = 10000')
    return {
      store: sqliteStore({ client }) as Store<never>,
      atOnce: 1,
      async begin() {
        client.exec('begin immediate')
        return { tx: client, run: (sql) => client.exec(sql), end() {} }
      },
    }
  },
}

export async function runEmitter(): Promise<void> {
  const { kind, url, from, count, ledger } = JSON.parse(process.env.EMIT ?? '{}')
  const { store, atOnce, begin } = (callers[kind] ?? unknown)(url)
  const webhooks = createWebhooks({ store, logger: quietLogger })
  let next = from
  async function transaction(id: number, undo: boolean): Promise<void> {
    const { tx, run, end } = await begin()
    try {
      await run(`insert into orders (id) values (${id})`)
      await webhooks.publish('order.paid', { id }, { tenantId: 'acme', tx: tx as never })
      await run(`update orders set done = true where id = ${id}`)
      await run(undo ? 'rollback' : 'commit')
    } catch (error) {
      await run('rollback')
      throw error
    } finally {
      end()
    }
  }
  async function emit(): Promise<void> {
    while (next < from + count) {
      const id = next++
      const undo = id % 5 === 0
      // What a server rolled back for two transactions that met is the caller's to try again, all of it.
      while (!(await transaction(id, undo).then(() => true, unlessDeadlock)));
      if (!undo) appendFileSync(ledger, `${id}\n`)
      process.send?.(id)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, emit))
  process.exit(0)
}

function unlessDeadlock(error: { code?: unknown }): boolean {
  if (error.code !== 'ER_LOCK_DEADLOCK') throw error
  process.send?.('deadlock')
  return false
}

function unknown(): never {
  throw new Error('The emitter knows no such database.')
}
