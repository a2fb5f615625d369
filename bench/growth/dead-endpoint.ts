/** Twenty endpoints, then twenty of which one accepts and never answers: how long the healthy ones take. */
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, open, publishMany } from './setting.ts'

const ENDPOINTS = 20

export async function deadEndpoint({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  const healthy = new Map<string, number>()
  let look = (): void => {}
  const setting = await open(url, {
    ended({ tenantId, state }) {
      if (state !== 'succeeded') return
      healthy.set(tenantId, (healthy.get(tenantId) ?? 0) + 1)
      look()
    },
  })
  const { webhooks, pool } = setting
  await webhooks.start()

  async function seconds(tenantId: string, dead: boolean, events: number): Promise<number> {
    for (let host = 1; host < ENDPOINTS; host++)
      await webhooks.subscriptions.create({ tenantId, url: hostUrl(ports, host) })
    const last = dead ? hostUrl(ports, 0, '/silent') : hostUrl(ports, 0)
    await webhooks.subscriptions.create({ tenantId, url: last })
    const due = events * (dead ? ENDPOINTS - 1 : ENDPOINTS)
    const done = new Promise<void>((resolve) => {
      look = () => {
        if ((healthy.get(tenantId) ?? 0) >= due) resolve()
      }
    })
    const startedAt = performance.now()
    await publishMany(setting, events, { tenantId })
    await done
    return (performance.now() - startedAt) / 1_000
  }

  await seconds('warm', false, Math.ceil(size / 10))
  const without = await seconds('healthy', false, size)
  const withDead = await seconds('one-dead', true, size)
  await webhooks.stop({ drainMs: 100 })
  await pool.end()
  return [
    {
      what: `1 dead endpoint of ${ENDPOINTS}, ${size} events`,
      's without': without,
      's with': withDead,
      ratio: withDead / without,
    },
  ]
}
