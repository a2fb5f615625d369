/** Two keys with long lines, on Postgres: the first of each is found by index, whatever the planner expects to find soon in the table. */
import pg from 'pg'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { postgres } from '../../../src/stores/sql/dialects/postgres.ts'
import { postgresParameters } from '../../../src/stores/sql/executors/postgres-values.ts'
import { FIRST_OF_FEW_KEYS } from '../../../src/stores/sql/releasable.ts'
import { compile } from '../../../src/stores/sql/template.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { quietLogger } from '../../support/setup.ts'

const EVENTS = 2_000

it('the first of each key is no scan of the table', async () => {
  const database = await createPostgresDatabase()
  onTestFinished(database.drop)
  const client = new pg.Pool({ connectionString: database.url })
  onTestFinished(() => client.end())
  const transport = fakeTransport(() => 500)
  const store = postgresStore({ client })
  const webhooks = createWebhooks({ store, transport, logger: quietLogger })
  await webhooks.migrate()
  const { subscription } = await webhooks.subscriptions.create({
    tenantId: 'acme',
    url: 'https://receiver.example/hook',
    ordering: 'key',
  })
  for (let from = 0; from < EVENTS; from += 500)
    await webhooks.publishMany(
      Array.from({ length: 500 }, (_, n) => ({
        type: 'line.moved',
        data: {},
        tenantId: 'acme',
        orderingKey: `key ${n % 2}`,
      })),
    )
  await webhooks.start()
  const held = async () =>
    Number((await client.query('select count(*) from posthorn.queue where stage = 1')).rows[0]?.count)
  await vi.waitUntil(async () => (await held()) > EVENTS - 10, { timeout: 60_000 })
  await webhooks.stop()
  await client.query('analyze posthorn.queue')
  const { sql, bind } = compile(
    FIRST_OF_FEW_KEYS(postgres),
    postgres,
    (name) => postgres.table('posthorn', name),
    true,
  )
  const values = { tenant: 'acme', subscription: subscription.id, count: 500 }
  const { rows } = await client.query(
    `explain (costs off) ${sql}`,
    postgresParameters(bind(values)) as unknown[],
  )
  const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
  expect(plan).not.toMatch(/Seq Scan|Sort/)
  expect(plan).toMatch(/Index Scan using queue_order/)
}, 120_000)
