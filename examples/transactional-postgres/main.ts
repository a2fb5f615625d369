/**
 * Express and pg: an order and the webhook about it commit together, or not at all. Run it with
 * `DATABASE_URL=postgres://… npx tsx examples/transactional-postgres/main.ts`; it works in a schema of its own and removes it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import pg from 'pg'
import { createWebhooks } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { postgresStore } from '../../src/stores/postgres.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
await pool.query('create schema example_shop')
await pool.query(
  'create table example_shop.orders (id text primary key, amount integer not null check (amount > 0))',
)

const webhooks = createWebhooks({
  store: postgresStore({ client: pool, schema: 'example_posthorn' }),
  // Only because the receiver of this example runs on the same machine.
  allowHttp: true,
  allowCidrs: ['127.0.0.0/8'],
})
await webhooks.migrate()

const app = express().use(express.json())
app.post('/orders', async (request, response) => {
  const { id, amount } = request.body as { id: string; amount: number }
  const client = await pool.connect()
  try {
    await client.query('begin')
    await webhooks.publish('order.paid', { id, amount }, { tenantId: 'acme', tx: client })
    await client.query('insert into example_shop.orders values ($1, $2)', [id, amount])
    await client.query('commit')
    response.status(201).json({ id })
  } catch (error) {
    await client.query('rollback')
    response.status(422).json({ error: (error as Error).message })
  } finally {
    client.release()
  }
})

let secret = ''
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = request.headers as Record<string, string>
  const event = await verify({ headers, body: Buffer.concat(chunks) }, { secret })
  console.log('received', JSON.stringify(event.data))
  response.writeHead(204).end()
}).listen(0, '127.0.0.1')
const server = app.listen(0, '127.0.0.1')
await Promise.all(
  [receiver, server].map((one) => new Promise((listening) => one.once('listening', listening))),
)
const portOf = (one: { address(): unknown }) => (one.address() as AddressInfo).port

const created = await webhooks.subscriptions.create({
  tenantId: 'acme',
  url: `http://127.0.0.1:${portOf(receiver)}/`,
  events: ['order.*'],
})
secret = created.secret ?? ''

for (const order of [
  { id: 'order-1', amount: 4200 },
  { id: 'order-2', amount: -1 },
  { id: 'order-3', amount: 100 },
]) {
  const { status } = await fetch(`http://127.0.0.1:${portOf(server)}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  console.log(order.id, status)
}
await webhooks.drain()
const { rows } = await pool.query('select count(*)::int as n from example_shop.orders')
const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
console.log('orders', rows[0]?.n, 'deliveries', items.map(({ state }) => state).join(' '))

await webhooks.stop()
for (const one of [server, receiver]) {
  one.close()
  one.closeAllConnections()
}
await pool.query('drop schema example_shop, example_posthorn cascade')
await pool.end()
