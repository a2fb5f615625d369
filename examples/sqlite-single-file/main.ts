/**
 * One file holds the application's orders and the webhooks about them. An order that is rolled back is announced to nobody. Run it with
 * `npx tsx examples/sqlite-single-file/main.ts`; a handle of better-sqlite3 or node:sqlite takes the place of libsql's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { createWebhooks } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'posthorn-example-'))
const db = new Database(join(folder, 'shop.db'))
db.exec('pragma journal_mode = wal')
db.exec('create table orders (id text primary key, amount integer not null)')

const webhooks = createWebhooks({
  store: sqliteStore({ client: db }),
  // Only because the receiver of this example runs on the same machine.
  allowHttp: true,
  allowCidrs: ['127.0.0.0/8'],
})
await webhooks.migrate()

let secret = ''
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = request.headers as Record<string, string>
  const event = await verify({ headers, body: Buffer.concat(chunks) }, { secret })
  console.log('received', JSON.stringify(event.data))
  response.writeHead(204).end()
}).listen(0, '127.0.0.1')
await new Promise((listening) => receiver.once('listening', listening))

const { port } = receiver.address() as AddressInfo
const created = await webhooks.subscriptions.create({
  tenantId: 'acme',
  url: `http://127.0.0.1:${port}/`,
  events: ['order.*'],
})
secret = created.secret ?? ''

/** The order and the news of it, in one synchronous transaction. */
async function placeOrder(id: string, amount: number): Promise<void> {
  let published: Promise<unknown> | undefined
  db.transaction(() => {
    db.prepare('insert into orders (id, amount) values (?, ?)').run(id, amount)
    published = webhooks.publish('order.placed', { id, amount }, { tenantId: 'acme', tx: db })
    if (amount <= 0) throw new Error(`${id}: the amount must be positive`)
  })()
  await published
}

await placeOrder('order-1', 4200)
await placeOrder('order-2', -1).catch((error: Error) => console.log('rolled back', error.message))
await placeOrder('order-3', 100)
await webhooks.drain()

const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
const orders = db.prepare('select count(*) as n from orders').all() as { n: number }[]
console.log('orders', orders[0]?.n, 'deliveries', items.map(({ state }) => state).join(' '))

await webhooks.stop()
receiver.close()
receiver.closeAllConnections()
db.close()
rmSync(folder, { recursive: true })
