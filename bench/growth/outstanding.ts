/** What a worker holds in memory while a great many deliveries wait for slow receivers. */
import { multiply } from './multiply.ts'
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, megabytes, open, pause, publishMany } from './setting.ts'

const SEED = 1_000
const SECONDS = 10

export async function outstanding({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  const setting = await open(url)
  const { webhooks, pool } = setting
  for (let host = 0; host < 20; host++)
    await webhooks.subscriptions.create({ tenantId: 'busy', url: hostUrl(ports, host) })
  await webhooks.start()
  await publishMany(setting, 100, { tenantId: 'busy' }, 'x')
  await pause(3_000)
  const idle = megabytes()
  await webhooks.stop()
  await publishMany(setting, SEED, { tenantId: 'busy' })
  await multiply(pool, 'busy', ['events', 'queue'], Math.max(1, size / 20 / SEED - 1))
  await webhooks.start()
  let most = 0
  for (let second = 0; second < SECONDS * 10; second++) {
    await pause(100)
    most = Math.max(most, megabytes())
  }
  await webhooks.stop({ drainMs: 100 })
  await pool.end()
  return [
    {
      what: `${size.toLocaleString('en')} outstanding`,
      'MB idle': idle,
      'MB at most': most,
      'MB more': most - idle,
    },
  ]
}
