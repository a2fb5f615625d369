/** One event to a great many subscriptions of one tenant: the publish, the first request, the memory, the rate. */
import { multiply } from './multiply.ts'
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, megabytes, open, pause } from './setting.ts'

const SEED = 100
const SECONDS = 10

export async function subscriptions({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  let attempted = 0
  let firstAt: number | null = null
  const setting = await open(url, {
    ended() {
      attempted += 1
      firstAt ??= performance.now()
    },
  })
  const { webhooks, pool } = setting
  for (let host = 0; host < SEED; host++)
    await webhooks.subscriptions.create({ tenantId: 'big', url: hostUrl(ports, host) })
  await multiply(pool, 'big', ['subscriptions'], size / SEED - 1)
  await pool.query('vacuum analyze')
  await webhooks.start()
  await pause(500)
  const idle = megabytes()
  const startedAt = performance.now()
  await webhooks.publish('order.paid', { order: 1 }, { tenantId: 'big' })
  const publishMs = performance.now() - startedAt
  let most = 0
  while (attempted < size && performance.now() - startedAt < SECONDS * 1_000) {
    await pause(50)
    most = Math.max(most, megabytes())
  }
  const perSecond = (attempted / (performance.now() - startedAt)) * 1_000
  await webhooks.stop({ drainMs: 100 })
  await pool.end()
  return [
    {
      what: `${size.toLocaleString('en')} subscriptions in one tenant`,
      'publish ms': publishMs,
      'first outcome ms': firstAt === null ? 'none' : firstAt - startedAt,
      'MB more': most - idle,
      'deliveries/s': perSecond,
    },
  ]
}
