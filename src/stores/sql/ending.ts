/** Ends deliveries that nobody has answered: too old, cancelled, or their subscription deleted. Opens ended ones again. */
import { isEnded, type TenantScope, type Trigger } from '../../model.ts'
import { tenantBucket } from '../../patterns.ts'
import type { DeliveryRecord } from '../../records.ts'
import type { Dialect } from './dialect.ts'
import { findDelivery } from './find.ts'
import { lockFound } from './lock-found.ts'
import { oftenTrue } from './planner.ts'
import { deliveryOf, LINE, number, text, toMicros } from './rows.ts'
import type { Row, Session, Statements } from './session.ts'

const PLACE = 'q.tenant_id, q.event_id, q.id, q.delivery_id'
/** Queue rows past their maximum age. */
export const EXPIRED = (dialect: Dialect) => `
  select ${PLACE} from {queue} q where q.kind = 1 and q.expires_at <= :now and ${oftenTrue('q.lease_until <= :now')}
  order by q.expires_at ${dialect.limitByIndex(500)} ${dialect.skipLocked}`
const OWED = (dialect: Dialect) => `
  select ${PLACE} from {queue} q where q.tenant_id = :tenant and q.kind = 1
  order by q.tenant_id, q.event_id limit 500 ${dialect.lockFound}`
/** What a subscription is owed, in the order of its index where that has one: Postgres would else take the first 500 that it meets in the table. */
export const OWED_TO = (dialect: Dialect) => `
  select ${PLACE} from {queue} q ${dialect.useIndex('queue_owner')}
  where q.tenant_id = :tenant and q.subscription_id = :subscription and q.kind = 1
  ${dialect.schema.partialIndexes ? 'order by q.event_id' : ''} limit 500 ${dialect.lockFound}`
const OWED_OF = (dialect: Dialect) => `
  select ${PLACE}, q.subscription_id from {queue} q where q.tenant_id = :tenant and q.event_id = :event and q.kind = 1
  ${dialect.lockFound}`
/** The queue row of one delivery. */
export const OWED_ONE = (dialect: Dialect) => `
  select ${PLACE}, q.subscription_id from {queue} q where q.tenant_id = :tenant and q.delivery_id = :delivery
  ${dialect.lockFound}`

const END = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{deliveries}',
      alias: 'd',
      from: '{rows w: tenant_id text, id text}',
      // Not `pending`: a word of a newer version ends by the same limits, and never stays without a queue row.
      on: 'd.tenant_id = w.tenant_id and d.id = w.id and d.ended_at is null',
      index: 'deliveries_id',
    },
    {
      state: ':state',
      reason: ':reason',
      destination: 'null',
      ended_at: '{long at}',
      updated_at: '{long at}',
    },
  )
const READ_ENDED = `
  select d.* from {rows w: tenant_id text, id text} join {deliveries} d on d.tenant_id = w.tenant_id and d.id = w.id`
const REMOVE = (dialect: Dialect) =>
  dialect.remove({
    table: '{queue}',
    alias: 'q',
    from: '{rows w: tenant_id text, event_id text, id bigint}',
    on: 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id',
    index: 'primary',
  })

/** Ends the deliveries of locked queue rows and removes these. */
async function endAll(
  statements: Statements,
  rows: readonly Row[],
  how: { readonly state: 'failed' | 'cancelled'; readonly reason: 'expired' | null; readonly at: number },
): Promise<readonly DeliveryRecord[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => [text(row.tenant_id), text(row.delivery_id)])
  const w = ids.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  await statements.run(END, { w, ...how })
  await statements.run(REMOVE, {
    w: rows.map((row) => [text(row.tenant_id), text(row.event_id), number(row.id)]),
  })
  return (await statements.rows(READ_ENDED, { w })).map((row) => deliveryOf(row))
}

/** `Store.expire`. */
export function expire(session: Session, limit: number): Promise<readonly DeliveryRecord[]> {
  return session.transaction(async (statements) => {
    const at = await statements.now()
    const rows = await statements.rows(EXPIRED, { now: at })
    return endAll(statements, rows.slice(0, limit), { state: 'failed', reason: 'expired', at })
  })
}

interface CancelFilter {
  readonly tenantId: string
  readonly subscriptionId?: string
  readonly eventId?: string
  readonly deliveryId?: string
}

/** `Store.cancel`. */
export function cancel(
  session: Session,
  filter: CancelFilter,
  limit: number,
): Promise<readonly DeliveryRecord[]> {
  return session.transaction(async (statements) => {
    const at = await statements.now()
    const cancelled: DeliveryRecord[] = []
    for (;;) {
      const room = limit - cancelled.length
      const found = room < 1 ? [] : (await owed(statements, filter)).slice(0, room)
      if (found.length === 0) return cancelled
      const rows = await lockFound(statements, found)
      cancelled.push(...(await endAll(statements, rows, { state: 'cancelled', reason: null, at })))
    }
  })
}

async function owed(
  statements: Statements,
  { tenantId: tenant, subscriptionId, eventId, deliveryId }: CancelFilter,
): Promise<readonly Row[]> {
  const fits = (row: Row) =>
    (subscriptionId === undefined || text(row.subscription_id) === subscriptionId) &&
    (eventId === undefined || text(row.event_id) === eventId)
  if (deliveryId !== undefined)
    return (await statements.rows(OWED_ONE, { tenant, delivery: deliveryId })).filter(fits)
  if (eventId !== undefined) return (await statements.rows(OWED_OF, { tenant, event: eventId })).filter(fits)
  if (subscriptionId !== undefined) return statements.rows(OWED_TO, { tenant, subscription: subscriptionId })
  return statements.rows(OWED, { tenant })
}

const FORGET_PACE = 'delete from {paces} where tenant_id = :tenant and subscription_id = :subscription'

/** Cancels everything that a subscription is owed, in the transaction that deletes it. */
export async function cancelSubscription(
  statements: Statements,
  tenant: string,
  subscription: string,
): Promise<readonly DeliveryRecord[]> {
  const at = await statements.now()
  const cancelled: DeliveryRecord[] = []
  const how = { state: 'cancelled', reason: null, at } as const
  // Before the queue's rows, as a release locks them.
  await statements.run(FORGET_PACE, { tenant, subscription })
  const next = () => statements.rows(OWED_TO, { tenant, subscription })
  for (let rows = await next(); rows.length > 0; rows = await next())
    cancelled.push(...(await endAll(statements, await lockFound(statements, rows), how)))
  return cancelled
}

const LOCK_EVENT = (dialect: Dialect) => `
  select body, due_at, sequence, ordering_key from {events}
  where tenant_id = :tenant and id = :event ${dialect.forUpdate}`
const LOCK_ROW = (dialect: Dialect) => `
  select tenant_id, event_id, id, token from {queue} where tenant_id = :tenant and delivery_id = :delivery
  ${dialect.lockFound}`
const HURRY = `
  update {queue} set stage = case when claims >= 2 then 2 else 0 end, due_at = :now, lease_until = 0, cause = :trigger,
    in_order = case when :inOrder = 0 then 0 else in_order end
  where tenant_id = :tenant and event_id = :event and id = :row`
const TOUCH = 'update {deliveries} set updated_at = :now where tenant_id = :tenant and id = :delivery'
const REOPEN = `
  update {deliveries} set state = 'pending', reason = null, ended_at = null, round_start = attempt_count,
    updated_at = :now, expires_at = :expiresAt, destination = coalesce(destination, :destination)
  where tenant_id = :tenant and id = :delivery`
const REQUEUE = `
  insert into {queue} (tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence,
    ordering_key, expires_at, released, in_order, token, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before)
  values (:tenant, :event, 0, 1, :bucket, :subscription, :delivery, :trigger, :now, :positionAt, :sequence,
    :key, :expiresAt, 0, :line, null, 0, 0, 0, 0, 0, 0)`

/** `Store.redeliver`. */
export function redeliver(
  session: Session,
  scope: TenantScope,
  deliveryId: string,
  options: { readonly trigger: Trigger; readonly maxAgeMs: number; readonly destination?: string },
): Promise<DeliveryRecord | null | 'pruned'> {
  return session.transaction(async (statements) => {
    const known = await findDelivery(statements, scope, deliveryId)
    if (known === null) return null
    const { tenantId: tenant, eventId: event } = known
    const [body] = await statements.rows(LOCK_EVENT, { tenant, event })
    if (body === undefined || body.body === null) return 'pruned'
    const found = await statements.rows(LOCK_ROW, { tenant, delivery: deliveryId })
    const [row] = await lockFound(statements, found)
    const now = await statements.now()
    const inOrder = Number(options.trigger !== 'manual')
    const values = { tenant, event, delivery: deliveryId, trigger: options.trigger, now, inOrder }
    if (row !== undefined) {
      if (row.token === null) {
        await statements.run(HURRY, { ...values, row: number(row.id) })
        await statements.run(TOUCH, values)
      }
      return findDelivery(statements, tenant, deliveryId)
    }
    const fresh = await findDelivery(statements, tenant, deliveryId)
    if (fresh === null || !isEnded(fresh.state)) return fresh
    const expiresAt = now + toMicros(options.maxAgeMs)
    const key = (body.ordering_key as string | null) ?? null
    await statements.run(REOPEN, { ...values, expiresAt, destination: options.destination ?? null })
    await statements.run(REQUEUE, {
      ...values,
      expiresAt,
      bucket: tenantBucket(tenant),
      subscription: known.subscriptionId ?? '',
      positionAt: number(body.due_at),
      sequence: number(body.sequence),
      key,
      line: inOrder === 0 ? LINE.none : key === null ? LINE.keyless : LINE.ofKey,
    })
    return findDelivery(statements, tenant, deliveryId)
  })
}
