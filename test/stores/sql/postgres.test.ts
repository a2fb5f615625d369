/** The Postgres store passes the conformance kit, on a server of this run. */
import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { storeConformance } from '../../../src/testing/index.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { emptyStores } from './make-store.ts'
import { onPool } from './on-pool.ts'

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

const makeStore = emptyStores(() => onPool(pool, { listen: true }))

describe('postgresStore', () => {
  for (const conformance of storeConformance(makeStore)) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }
})
