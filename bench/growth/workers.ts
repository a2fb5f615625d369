/** Several worker processes over one database: one publishes while nobody delivers, then all deliver. */
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, open, pause, publishMany } from './setting.ts'

const TENANTS = 20

/** Appends the backlog: a tenant per host, so that shares do not hold it up. */
export async function publishAll({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  const setting = await open(url)
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    await setting.webhooks.subscriptions.create({ tenantId: `tenant-${tenant}`, url: hostUrl(ports, tenant) })
    await publishMany(setting, Math.ceil(size / TENANTS), { tenantId: `tenant-${tenant}` })
  }
  await setting.close()
  return []
}

/** Delivers until the queue is empty. */
export async function work({ url }: GrowthTask): Promise<readonly GrowthRow[]> {
  const setting = await open(url)
  await setting.webhooks.start()
  const startedAt = performance.now()
  let left = true
  while (left) {
    await pause(20)
    const { rows } = await setting.pool.query('select 1 from posthorn.queue limit 1')
    left = rows.length > 0
  }
  const seconds = (performance.now() - startedAt) / 1_000
  await setting.close()
  return [{ what: 'worker', seconds }]
}
