/** The Postgres store passes the conformance kit, on a server of this run. */
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { runKit } from '../run-kit.ts'
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
  runKit(makeStore, 'few seeds')
})
