/** The Postgres store passes the conformance kit, on a server of this run. */
import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { storeConformance } from '../../../src/testing/index.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { emptyStores } from './make-store.ts'

let database: Awaited<ReturnType<typeof createPostgresDatabase>>
let pool: pg.Pool

beforeAll(async () => {
  database = await createPostgresDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 8 })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

const makeStore = emptyStores(() => ({
  store: (clock) => postgresStore({ client: pool, clock, listen: true }) as never,
  run: (sql) => pool.query(sql),
  table: (name) => `posthorn.${name}`,
  transaction: async () => {
    const tx = await pool.connect()
    await tx.query('begin')
    const end = (how: string) => async () => {
      await tx.query(how)
      tx.release()
    }
    return { tx, commit: end('commit'), rollback: end('rollback') }
  },
}))

describe('postgresStore', () => {
  for (const conformance of storeConformance(makeStore)) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }
})
