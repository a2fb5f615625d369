// One delivery from an installed package, over a real socket: `node deliver.mjs import` or `node deliver.mjs require`.
// Copied into the empty project and run there, so it is plain JavaScript.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const load = process.argv[2] === 'require' ? (name) => require(name) : (name) => import(name)
const { createWebhooks } = await load('posthorn')
const { memoryStore } = await load('posthorn/memory')
const { verify } = await load('posthorn/verify')
const { manualClock } = await load('posthorn/testing')
if (typeof manualClock !== 'function') throw new Error('posthorn/testing has no manualClock')

let secret
const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const event = await verify({ headers: request.headers, body: Buffer.concat(chunks) }, { secret })
  response.writeHead(204).end()
  console.log(`${event.type} ${event.data.orderId}`)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const webhooks = createWebhooks({ store: memoryStore(), allowHttp: true, allowCidrs: ['127.0.0.0/8'] })
const created = await webhooks.subscriptions.create({
  tenantId: 'acme',
  url: `http://127.0.0.1:${server.address().port}/`,
  events: ['order.*'],
})
secret = created.secret
await webhooks.publish('order.paid', { orderId: 'o-1' }, { tenantId: 'acme' })
await webhooks.drain()
await webhooks.stop()
server.close()
