/** A step of `cancel`: ends a batch of pending deliveries and reports each. */
import { cancelSome } from '../cancel.ts'
import { BATCH, type Step } from './step.ts'

export const cancel: Step = async ({ job, tenantId, parts }) => {
  const { subscriptionId, eventId } = job.order
  const filter = {
    tenantId,
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(eventId === undefined ? {} : { eventId }),
  }
  const { cancelled, more } = await cancelSome(parts, filter, BATCH)
  const { length } = cancelled
  return { looked: length, affected: length, skipped: 0, cursor: null, done: !more }
}
