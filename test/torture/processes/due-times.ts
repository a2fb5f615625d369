/** A caller in a time zone of its own: publishes for given instants, and says what stands in the rows, and what time the store says it is. */
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'

export async function runDueTimes(): Promise<void> {
  const { place, queue, tenantId, occurred, due, delayMs } = JSON.parse(process.env.DUE ?? '{}')
  const opened = await openStore(place)
  const webhooks = createWebhooks({ store: opened.store, logger: quietLogger })
  const clock = [Date.now(), await opened.store.now(), Date.now()]
  for (const [nth, at] of occurred.entries()) {
    const options = { tenantId, occurredAt: new Date(at), deliverAt: new Date(due[nth]) }
    await webhooks.publish('due', {}, options)
  }
  const { publishedAt } = await webhooks.publish('due', {}, { tenantId, delayMs })
  const rows = await opened.query(
    `select due_at from ${queue} where tenant_id = '${tenantId}' order by due_at`,
  )
  const { items } = await webhooks.events.list({ tenantId })
  process.send?.({
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    clock,
    due: rows.map(({ due_at }) => Number(due_at)),
    occurred: items.map(({ occurredAt }) => occurredAt.getTime()).sort((a, b) => a - b),
    delayed: publishedAt.getTime() + delayMs,
  })
  await webhooks.stop()
  await opened.close()
  process.exit(0)
}
