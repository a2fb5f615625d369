/**
 * A step of `replay` and `replayMissing`: looks through a batch of events, oldest first, and gives the subscription those
 * that it wants and never got. An event that is still being fanned out is waited for, so that nothing is sent twice.
 */
import { isKnownDeliveryState } from '../../model.ts'
import { matchesPattern } from '../../patterns.ts'
import type { DeliveryRecord, EventRecord, SubscriptionRecord } from '../../records.ts'
import { newDelivery } from '../new-delivery.ts'
import { selectable, selects } from '../selects.ts'
import { shapeOf, shapes, UNSHAPED } from '../shape.ts'
import type { JobRecord } from './job.ts'
import { BATCH, type Step, type StepInput } from './step.ts'

/** Bodies are read, and one may have 1 MiB. */
const EVENTS = BATCH / 4
/** Turns (a second each) that a job waits for one fan-out before it goes past it. */
const PATIENCE = 60

export const replay: Step = async (input) => {
  const { job, tenantId, parts, isOver } = input
  const { subscriptionId = '', types, since, until } = job.order
  const subscription = await parts.store.getSubscription(tenantId, subscriptionId)
  const nothing = { looked: 0, affected: 0, skipped: 0, cursor: job.cursor }
  if (subscription === null) return { ...nothing, done: true }
  const [only] = types?.length === 1 ? types : []
  const { rows } = await parts.store.listEvents(
    {
      tenant: tenantId,
      ...(only === undefined || only.endsWith('*') ? {} : { type: only }),
      since: since ?? subscription.createdAt,
      until: Math.min(until ?? Number.POSITIVE_INFINITY, job.startedAt + 1),
    },
    { limit: EVENTS, order: 'oldest', ...(job.cursor === null ? {} : { after: job.cursor }) },
  )
  let { cursor } = job
  const counts = { looked: 0, affected: 0, skipped: 0 }
  for (const event of rows) {
    if (isOver()) break
    const result = isAsked(event, subscription, job) ? await give(event, subscription, input) : 'unwanted'
    if (result === 'waiting' && job.stuck < PATIENCE) return { ...counts, cursor, done: false, waits: true }
    counts.looked += 1
    if (result === 'given') counts.affected += 1
    if (result === 'left' || result === 'waiting') counts.skipped += 1
    cursor = { at: event.publishedAt, id: event.id }
  }
  return { ...counts, cursor, done: rows.length < EVENTS && counts.looked === rows.length }
}

function isAsked(
  event: EventRecord,
  subscription: SubscriptionRecord,
  { order, startedAt }: JobRecord,
): boolean {
  const { types } = order
  return (
    !event.skipped &&
    !event.test &&
    event.dueAt <= Math.max(startedAt, event.publishedAt) &&
    (types === undefined || types.some((pattern) => matchesPattern(pattern, event.type))) &&
    selects(subscription, selectable(event))
  )
}

async function give(
  event: EventRecord,
  subscription: SubscriptionRecord,
  { job, tenantId, parts }: StepInput,
): Promise<'given' | 'left' | 'waiting'> {
  if (event.body === null) return 'left'
  const shape = shapes(parts) ? await shapeOf(event, subscription, parts) : UNSHAPED
  if (shape === null) return 'left'
  const delivery = newDelivery(event, subscription, shape, parts)
  const [made] = await parts.store.replay(tenantId, [{ eventId: event.id, delivery }])
  if (made === 'waiting') return 'waiting'
  if (made !== 'exists') return made === 'pruned' || made === null || made === undefined ? 'left' : 'given'
  if (job.kind === 'replayMissing') return 'left'
  const known = await deliveryOf(event, subscription, tenantId)
  if (known === undefined || !isOwed(known, job)) return 'left'
  const again = { trigger: 'manual', maxAgeMs: parts.maxAgeMs } as const
  const opened = await parts.store.redeliver(tenantId, known.id, again)
  return opened === null || opened === 'pruned' ? 'left' : 'given'

  async function deliveryOf(
    { id: eventId }: EventRecord,
    { id: subscriptionId }: SubscriptionRecord,
    tenant: string,
  ): Promise<DeliveryRecord | undefined> {
    const { rows } = await parts.store.listDeliveries({ tenant, eventId, subscriptionId }, { limit: 1 })
    return rows[0]
  }
}

/** What is pending is on its way, what is in a state of a newer version is left alone; what ended after the job began was sent again already. */
function isOwed({ state, endedAt }: DeliveryRecord, { order, startedAt }: JobRecord): boolean {
  if (!isKnownDeliveryState(state) || state === 'pending' || endedAt === null || endedAt > startedAt)
    return false
  return state !== 'succeeded' || order.succeededToo === true
}
