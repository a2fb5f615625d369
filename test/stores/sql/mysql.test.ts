/** The MySQL store passes the conformance kit, on the MariaDB of this run; skipped where there is none. */
import mysql from 'mysql2/promise'
import { afterAll, describe } from 'vitest'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { runKit } from '../run-kit.ts'
import { emptyStores } from './make-store.ts'

const database = await createMysqlDatabase()
const pool = database === null ? null : mysql.createPool({ uri: database.url, connectionLimit: 8 })

afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

describe.skipIf(pool === null)('mysqlStore', () => {
  const client = pool as mysql.Pool
  const makeStore = emptyStores(() => ({
    store: (clock) => mysqlStore({ client, clock }) as never,
    run: (sql) => client.query(sql),
    table: (name) => `posthorn_${name}`,
    transaction: async () => {
      const tx = await client.getConnection()
      await tx.beginTransaction()
      const end = (how: 'commit' | 'rollback') => async () => {
        await tx[how]()
        tx.release()
      }
      return { tx, commit: end('commit'), rollback: end('rollback') }
    },
  }))
  runKit(makeStore, 'few seeds')
})
