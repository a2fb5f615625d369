/** What the growth measurements start from: a pool, a migrated store and a Posthorn on it. */
import pg from 'pg'
import { createWebhooks, type Hooks } from '../../src/index.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import type { ReceiverPorts } from '../work.ts'

/** Opens it; close it. */
export async function open(url: string, hooks: Hooks = {}) {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const store = postgresStore({ client: pool as never })
  const webhooks = createWebhooks({
    store,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    logger: { debug() {}, info() {}, warn() {}, error: (_, text) => process.stderr.write(`${text}\n`) },
    hooks,
  })
  await webhooks.migrate()
  return {
    pool,
    store,
    webhooks,
    async close(): Promise<void> {
      await webhooks.stop()
      await pool.end()
    },
  }
}

/** The n-th host of the receiver. */
export const hostUrl = ({ http }: ReceiverPorts, number: number, path = `/e/${number}`): string =>
  `http://127.1.${(number + 1) >> 8}.${(number + 1) & 255}:${http}${path}`

/** Publishes this many events in batches of 500. */
export async function publishMany(
  { webhooks }: Awaited<ReturnType<typeof open>>,
  events: number,
  more: { readonly tenantId: string; readonly delayMs?: number },
  note = 'x'.repeat(900),
): Promise<void> {
  for (let from = 0; from < events; from += 500) {
    const count = Math.min(500, events - from)
    await webhooks.publishMany(
      Array.from({ length: count }, (_, at) => ({
        type: 'order.paid',
        data: { order: from + at, note },
        ...more,
      })),
    )
  }
}

export const megabytes = (): number => process.memoryUsage().rss / 2 ** 20
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
