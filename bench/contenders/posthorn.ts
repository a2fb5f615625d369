/** Posthorn with its defaults and everything on, over one of its stores; `tuned` raises the limits and names statements. */
import { z } from 'zod'
import { createWebhooks, defineEvents } from '../../src/index.ts'
import type { Contender, Setup } from '../contender.ts'
import { dataOf, deliveriesOf, EVENT_TYPE, tenantOf, urlOf } from '../work.ts'
import { openStore } from './posthorn-store.ts'

const TUNED = { concurrency: 512, concurrencyPerSubscription: 64, concurrencyPerOrigin: 64 }

export async function posthorn(setup: Setup): Promise<Contender> {
  const { work, ports, variant } = setup
  const opened = await openStore(setup)
  let ended = 0
  let failed = 0
  let look = (): void => {}
  const webhooks = createWebhooks({
    store: opened.store,
    events: defineEvents({ [EVENT_TYPE]: z.object({ orderId: z.string(), note: z.string() }) }),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    ...(variant === 'tuned' ? TUNED : {}),
    logger: { debug() {}, info() {}, warn() {}, error: (_, message) => process.stderr.write(`${message}\n`) },
    hooks: {
      ended({ state }) {
        if (state !== 'succeeded') failed += 1
        ended += 1
        look()
      },
    },
  })
  await webhooks.migrate()
  await inParallel(work.tenants * work.fanOut, 16, async (endpoint) => {
    const tenantId = tenantNamed(Math.floor(endpoint / work.fanOut))
    await webhooks.subscriptions.create({ tenantId, url: urlOf(work, ports, endpoint) })
  })

  const entryOf = (event: number) => ({
    type: EVENT_TYPE as typeof EVENT_TYPE,
    data: dataOf(work, event),
    tenantId: tenantNamed(tenantOf(work, event)),
  })
  const inTx = variant === 'tx' || variant === 'tx-wake' ? opened.inTransaction : undefined

  return {
    start: () => webhooks.start(),
    async publish(from, count) {
      await webhooks.publishMany(Array.from({ length: count }, (_, index) => entryOf(from + index)))
    },
    async publishOne(event) {
      const { type, data, tenantId } = entryOf(event)
      if (inTx === undefined) return (await webhooks.publish(type, data, { tenantId })).id
      const id = await inTx(async (tx) => (await webhooks.publish(type, data, { tenantId, tx })).id)
      if (variant === 'tx-wake') webhooks.wake()
      return id
    },
    settled: (deliveries) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (failed > 0) reject(new Error(`${failed} of ${deliveriesOf(work)} deliveries did not succeed`))
          if (ended >= deliveries) resolve()
        }
        look()
      }),
    async close() {
      await webhooks.stop()
      await opened.close()
    },
  }
}

const tenantNamed = (tenant: number): string => `tenant-${String(tenant).padStart(6, '0')}`

async function inParallel(
  count: number,
  lanes: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(lanes, count) }, async () => {
      while (next < count) await work(next++)
    }),
  )
}
