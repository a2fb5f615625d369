/** Ids that are there already: told of at once, not after many refused statements. */
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'

let database: Awaited<ReturnType<typeof createPostgresDatabase>>
let pool: pg.Pool
const inserts: string[] = []

beforeAll(async () => {
  database = await createPostgresDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 3 })
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (statement: { text?: string }) => unknown
    const counted = (statement: { text?: string }) => {
      if (/insert into "posthorn"."events"/.test(String(statement?.text)))
        inserts.push(String(statement.text))
      return query(statement)
    }
    Object.assign(client, { query: counted })
  })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

it('takes one statement for new events, and one refused one before it for an id that is taken', async () => {
  const webhooks = createWebhooks({ store: postgresStore({ client: pool }), defaultTenant: 'acme' })
  await webhooks.migrate()
  const publish = () => webhooks.publish('order.paid', { n: 1 }, { id: 'order-1' })
  expect(await publish()).toMatchObject({ id: 'order-1', duplicate: false })
  expect(inserts).toHaveLength(1)
  expect(await publish()).toMatchObject({ id: 'order-1', duplicate: true })
  expect(inserts).toHaveLength(3)
  await Promise.all(Array.from({ length: 50 }, (_, n) => webhooks.publish('order.paid', { n })))
  expect(inserts.length).toBeLessThanOrEqual(5)
})
