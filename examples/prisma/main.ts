/**
 * Prisma 7: `publish` takes the `tx` of `prisma.$transaction`. Run it with
 * `DATABASE_URL=postgres://… npx tsx examples/prisma/main.ts`; it works in schemas of its own and removes them.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import { createWebhooks } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { prismaStore } from '../../src/stores/prisma.ts'
import { receiver } from '../../src/testing/index.ts'
import { type Order, PrismaClient } from './generated/client.ts'

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) })
// In an application `prisma migrate` does this.
await prisma.$executeRawUnsafe('create schema example_shop')
await prisma.$executeRawUnsafe(
  'create table example_shop.orders (id text primary key, amount integer not null)',
)

const webhooks = createWebhooks({
  store: prismaStore(prisma, { schema: 'example_posthorn' }),
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

/** The order and its webhook; an amount that is not positive takes both back. */
async function placeOrder(order: Order): Promise<void> {
  await prisma.$transaction(async (tx) => {
    await tx.order.create({ data: order })
    await webhooks.publish('order.paid', { ...order }, { tenantId: 'acme', tx })
    if (order.amount <= 0) throw new Error(`${order.id}: the amount must be positive`)
  })
}

await placeOrder({ id: 'order-1', amount: 4200 })
await placeOrder({ id: 'order-2', amount: -1 }).catch((error: Error) =>
  console.log('rolled back', error.message),
)
await placeOrder({ id: 'order-3', amount: 100 })
await webhooks.drain()

const bodies = inbox.requests.map(({ headers, body }) => verify({ headers, body }, { secret: secret ?? '' }))
for (const { data } of await Promise.all(bodies)) console.log('received', JSON.stringify(data))
console.log('orders', await prisma.order.count())

await webhooks.stop()
await inbox.close()
await prisma.$executeRawUnsafe('drop schema example_shop, example_posthorn cascade')
await prisma.$disconnect()
