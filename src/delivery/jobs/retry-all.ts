/** A step of `retryAll`: opens a batch of deliveries again, oldest first, each only as it stood when the job was asked for. */
import type { DeliveryRecord } from '../../records.ts'
import type { JobRecord } from './job.ts'
import { BATCH, type Step } from './step.ts'

export const retryAll: Step = async ({ job, tenantId, parts, isOver }) => {
  const { subscriptionId, type, state = 'failed', since, until } = job.order
  const { rows } = await parts.store.listDeliveries(
    {
      tenant: tenantId,
      state,
      ...(subscriptionId === undefined ? {} : { subscriptionId }),
      ...(type === undefined ? {} : { type }),
      ...(since === undefined ? {} : { since }),
      until: Math.min(until ?? Number.POSITIVE_INFINITY, job.startedAt + 1),
    },
    { limit: BATCH, order: 'oldest', ...(job.cursor === null ? {} : { after: job.cursor }) },
  )
  let { cursor } = job
  let looked = 0
  let affected = 0
  for (const row of rows) {
    if (isOver()) break
    const opened =
      isLeft(row, job) || !(await hasReceiver(row))
        ? null
        : await parts.store.redeliver(tenantId, row.id, { trigger: 'manual', maxAgeMs: parts.maxAgeMs })
    if (opened !== null && opened !== 'pruned') affected += 1
    looked += 1
    cursor = { at: row.createdAt, id: row.id }
  }
  const done = rows.length < BATCH && looked === rows.length
  return { looked, affected, skipped: looked - affected, cursor, done }

  /** A deleted subscription takes nothing any more. */
  async function hasReceiver({ subscriptionId: id }: DeliveryRecord): Promise<boolean> {
    return id !== null && (await parts.store.getSubscription(tenantId, id)) !== null
  }
}

/** One-use destinations are erased by now; what ended after the job began was sent again already; what is held waits its turn. */
function isLeft(row: DeliveryRecord, job: JobRecord): boolean {
  return row.subscriptionId === null || row.held || (row.endedAt !== null && row.endedAt > job.startedAt)
}
