/**
 * Prisma 7: `publish` takes the `tx` of `prisma.$transaction`. Generate the client of `schema.prisma` (`npx prisma generate`) and run
 *
 *     const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL })
 *     await runShop(new PrismaClient({ adapter }), console.log)
 *
 * Named here is what the example uses of a PrismaClient, so that it compiles before anything is generated. It needs the table
 * `orders`, and works in a schema of its own for the webhooks.
 */
import { createWebhooks } from '../../src/index.ts'
import { verify } from '../../src/signing/index.ts'
import { type PrismaDatabase, type PrismaTransaction, prismaStore } from '../../src/stores/prisma.ts'
import { receiver } from '../../src/testing/index.ts'

interface Order {
  readonly id: string
  readonly amount: number
}

/** The generated transaction. */
export interface ShopTransaction extends PrismaTransaction {
  readonly order: { create(args: { data: Order }): PromiseLike<unknown> }
}

/** The generated client. */
export interface ShopPrisma extends Omit<PrismaDatabase, '$transaction'> {
  $transaction<T>(work: (tx: ShopTransaction) => Promise<T>): Promise<T>
}

/** Places three orders, of which one is rolled back. */
export async function runShop(prisma: ShopPrisma, print: (line: string) => void): Promise<void> {
  const webhooks = createWebhooks({
    store: prismaStore(prisma, { schema: 'example_posthorn' }),
    // Only because the receiver of this example runs on the same machine.
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
  })
  await webhooks.migrate()
  const inbox = await receiver()
  const created = { tenantId: 'acme', url: inbox.url, events: ['order.*'] }
  const { secret } = await webhooks.subscriptions.create(created)

  async function placeOrder(order: Order): Promise<void> {
    await prisma.$transaction(async (tx) => {
      await tx.order.create({ data: order })
      await webhooks.publish('order.paid', { ...order }, { tenantId: 'acme', tx })
      if (order.amount <= 0) throw new Error(`${order.id}: the amount must be positive`)
    })
  }

  await placeOrder({ id: 'order-1', amount: 4200 })
  await placeOrder({ id: 'order-2', amount: -1 }).catch((error: Error) =>
    print(`rolled back ${error.message}`),
  )
  await placeOrder({ id: 'order-3', amount: 100 })
  await webhooks.drain()

  const bodies = inbox.requests.map(({ headers, body }) =>
    verify({ headers, body }, { secret: secret ?? '' }),
  )
  for (const { data } of await Promise.all(bodies)) print(`received ${JSON.stringify(data)}`)
  await webhooks.stop()
  await inbox.close()
}
