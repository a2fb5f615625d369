/** A lost claim whose request succeeded after all, and an event that is being removed: one of the two waits for the other. */
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anyTenant } from '../../../src/model.ts'
import { createLab, succeeded } from '../../../src/testing/store-conformance/lab.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { emptyStores } from './make-store.ts'
import { onPool } from './on-pool.ts'

let database: Awaited<ReturnType<typeof createPostgresDatabase>>
let pool: pg.Pool

beforeAll(async () => {
  database = await createPostgresDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 4 })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

it('adds no delivery to an event that somebody else has, and finds it gone afterwards', async () => {
  const { store, subscribe, publishClaimed, record } = createLab(await emptyStores(() => onPool(pool))())
  await subscribe()
  const work = await publishClaimed()
  await store.finish([work.claim])
  const pruning = await pool.connect()
  await pruning.query('begin')
  await pruning.query('delete from posthorn.events')
  await expect(record(work, succeeded)).rejects.toMatchObject({ code: '40001' })
  await pruning.query('commit')
  pruning.release()
  expect((await record(work, succeeded)).result).toBe('gone')
  expect((await store.listDeliveries({ tenant: anyTenant }, { limit: 9 })).rows).toEqual([])
})
