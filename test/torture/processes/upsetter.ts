/**
 * One of several processes that do everything at once over the same few subscriptions: publish, deliver, redeliver, replay, cancel,
 * pause, disable, rotate, delete, prune. Tells its parent of every error that a caller could not expect.
 */
import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { openStore } from '../../../src/cli/open-store.ts'
import { seeded } from '../../../src/cli/torture/random.ts'
import { createWebhooks, isPosthornError, schedule } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'

const CALLERS = 6
const TENANTS = ['acme', 'globex']
/** What callers must expect of things that others change meanwhile. */
const EXPECTED = ['NOT_FOUND', 'CONFLICT', 'EVENT_PRUNED']

export async function runUpsetter(): Promise<void> {
  const { place, seed, forMs } = JSON.parse(process.env.UPSET ?? '{}')
  const random = seeded(seed)
  const counted = { statements: 0, deadlocks: 0 }
  const opened = await openStore(place)
  const store = (/^mysql/.test(place.url) ? countingStore(place.url, counted) : opened.store) as Store<never>
  const wrong: string[] = []
  const webhooks = createWebhooks({
    store,
    transport: fakeTransport(() => random.pick([200, 200, 500]) ?? 200),
    retry: schedule(['1s', '1s', '2s'], { jitter: 0 }),
    breaker: false,
    logger: { debug() {}, info() {}, warn() {}, error: (_details, message) => void wrong.push(message) },
  })
  await webhooks.start()

  async function something(tenantId: string): Promise<unknown> {
    const options = { tenantId }
    const { items: subscriptions } = await webhooks.subscriptions.list({ tenantId, limit: 20 })
    const { items: deliveries } = await webhooks.deliveries.list({ tenantId, limit: 50 })
    const subscription = random.pick(subscriptions)?.id ?? 'none'
    const delivery = random.pick(deliveries)?.id ?? 'none'
    const acts = [
      () => webhooks.publish('order.paid', { text: 'x'.repeat(200) }, options),
      () =>
        webhooks.publish('order.paid', {}, { ...options, idempotencyKey: `key ${random.between(0, 20)}` }),
      () => webhooks.publish('order.paid', {}, { ...options, orderingKey: `line ${random.between(0, 3)}` }),
      () =>
        webhooks.publishMany(
          Array.from({ length: 10 }, (_, at) => ({
            ...{ type: 'order.paid', data: {}, tenantId: TENANTS[at % 2] ?? tenantId },
          })),
        ),
      () => webhooks.deliveries.redeliver(delivery, options),
      () => webhooks.deliveries.cancel(delivery, options),
      () => webhooks.deliveries.retryAll(options),
      () => webhooks.deliveries.replay({ ...options, subscription }),
      () => webhooks.subscriptions.pause(subscription, options),
      () => webhooks.subscriptions.resume(subscription, options),
      () => webhooks.subscriptions.disable(subscription, options),
      () => webhooks.subscriptions.enable(subscription, options),
      () => webhooks.subscriptions.rotateSecret(subscription, options),
      () => webhooks.subscriptions.delete(subscription, options),
      () => webhooks.subscriptions.create({ ...options, url: 'https://receiver.example/a' }),
      () => webhooks.subscriptions.create({ ...options, url: 'https://receiver.example/b', concurrency: 2 }),
      () => store.prune({ finishedAgeMs: 500, bodyAgeMs: 300, keyAgeMs: 100, limit: 50 }),
    ]
    return random.pick(acts)?.()
  }

  let acts = 0
  const until = performance.now() + forMs
  async function call(): Promise<void> {
    while (performance.now() < until) {
      await something(random.pick(TENANTS) ?? 'acme').catch((error) => {
        if (!isPosthornError(error) || !EXPECTED.includes(error.code)) wrong.push(String(error))
      })
      acts += 1
      await pause(random.between(0, 5))
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
  await webhooks.stop()
  await opened.close()
  process.send?.({ wrong, acts, ...counted })
  process.disconnect?.()
  process.exit(0)
}

/** Counts what the store's retries hide. */
function countingStore(url: string, counted: { statements: number; deadlocks: number }) {
  const pool = mysql.createPool({ uri: url, connectionLimit: 10 })
  const borrow = pool.getConnection.bind(pool)
  const known = new WeakSet<object>()
  pool.getConnection = async () => {
    const connection = await borrow()
    if (known.has(connection)) return connection
    known.add(connection)
    const query = connection.query.bind(connection)
    connection.query = (async (...given: Parameters<typeof query>) => {
      counted.statements += 1
      try {
        return await query(...given)
      } catch (error) {
        if ((error as { errno?: number }).errno === 1213) counted.deadlocks += 1
        throw error
      }
    }) as typeof connection.query
    return connection
  }
  return mysqlStore({ client: pool })
}
