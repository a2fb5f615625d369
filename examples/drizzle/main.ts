/**
 * Drizzle: `publish` takes the `tx` of `db.transaction`, savepoints included. Run it with
 * `DATABASE_URL=postgres://… npx tsx examples/drizzle/main.ts`; it works in schemas of its own and removes them.
 */
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgSchema, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { createWebhooks } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { drizzleStore } from '../../src/stores/drizzle.ts'
import { receiver } from '../../src/testing/index.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const orders = pgSchema('example_shop').table('orders', {
  id: text().primaryKey(),
  amount: integer().notNull(),
})
await pool.query('create schema example_shop')
await pool.query('create table example_shop.orders (id text primary key, amount integer not null)')

const db = drizzle(pool)
const webhooks = createWebhooks({
  store: drizzleStore(db, { schema: 'example_posthorn' }),
  // Only because the receiver of this example runs on the same machine.
  allowHttp: true,
  allowCidrs: ['127.0.0.0/8'],
})
await webhooks.migrate()

const inbox = await receiver()
const { secret } = await webhooks.subscriptions.create({
  tenantId: 'acme',
  url: inbox.url,
  events: ['order.*'],
})

/** The order and its webhook; an amount that is not positive takes both back, to the savepoint. */
async function placeOrders(
  placed: readonly { readonly id: string; readonly amount: number }[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (const order of placed) {
      const saved = tx.transaction(async (savepoint) => {
        await savepoint.insert(orders).values(order)
        await webhooks.publish('order.paid', order, { tenantId: 'acme', tx: savepoint })
        if (order.amount <= 0) throw new Error(`${order.id}: the amount must be positive`)
      })
      await saved.catch((error: Error) => console.log('rolled back', error.message))
    }
  })
}

await placeOrders([
  { id: 'order-1', amount: 4200 },
  { id: 'order-2', amount: -1 },
  { id: 'order-3', amount: 100 },
])
await webhooks.drain()

const bodies = inbox.requests.map(({ headers, body }) => verify({ headers, body }, { secret: secret ?? '' }))
for (const { data } of await Promise.all(bodies)) console.log('received', JSON.stringify(data))
console.log('orders', await db.$count(orders))

await webhooks.stop()
await inbox.close()
await pool.query('drop schema example_shop, example_posthorn cascade')
await pool.end()
