/** Deliveries that an event gets after its fan-out. */
import { PosthornError } from '../../errors.ts'
import { tenantBucket } from '../../patterns.ts'
import type { ReplayEntry, Replayed } from '../../queries.ts'
import type { DeliveryRecord } from '../../records.ts'
import { type BookEvent, keyOf, pendingDelivery } from './book.ts'
import type { Dialect } from './dialect.ts'
import { deliveryLine } from './record-lines.ts'
import { INSERT_DELIVERIES, INSERT_ROWS, LOCK_SUBSCRIPTIONS, READ_NUMBERS } from './record-statements.ts'
import { number, STAGE, text, toMicros, toMs } from './rows.ts'
import type { Row, Session, Statements } from './session.ts'

const LOCK_EVENTS = (dialect: Dialect) => `
  select e.id, e.tenant_id, e.type, e.due_at, case when e.body is null then 1 else 0 end as pruned
  from {rows w: tenant_id text, id text} join {events} e ${dialect.useIndex('events_id')} on e.tenant_id = w.tenant_id and e.id = w.id
  order by e.tenant_id, e.id ${dialect.forUpdate}`
/** Read by itself: a sub-select of the statement before would lock these rows, too, in the other order than workers do. */
const UNEXPANDED = `
  select q.event_id from {rows w: tenant_id text, id text}
  join {queue} q on q.tenant_id = w.tenant_id and q.event_id = w.id and q.kind = 0`
const EXISTING = `
  select d.event_id, d.subscription_id from {rows w: tenant_id text, event_id text, subscription_id text}
  join {deliveries} d on d.tenant_id = w.tenant_id and d.event_id = w.event_id and d.subscription_id = w.subscription_id`
/** Asked before the insert, whose refusal would look like that of a fan-out that was faster, and be tried again in vain. */
const TAKEN = `
  select d.id from {rows w: tenant_id text, id text}
  join {deliveries} d on d.tenant_id = w.tenant_id and d.id = w.id`

interface Found {
  readonly event: BookEvent
  readonly pruned: boolean
  readonly waiting: boolean
}

/** `Store.replay`. */
export function replay(
  session: Session,
  tenant: string,
  entries: readonly ReplayEntry[],
): Promise<readonly Replayed[]> {
  return session.transaction(async (statements) => {
    const distinct = (ids: readonly string[]) => [...new Set(ids)].sort().map((id) => [tenant, id])
    const owners = distinct(entries.flatMap(({ delivery }) => delivery.subscriptionId ?? []))
    const subscriptions = await statements.rows(LOCK_SUBSCRIPTIONS, { w: owners })
    const subscribed = new Set(subscriptions.map((row) => text(row.id)))
    const wanted = { w: distinct(entries.map(({ eventId }) => eventId)) }
    const events = await statements.rows(LOCK_EVENTS, wanted)
    const unexpanded = new Set((await statements.rows(UNEXPANDED, wanted)).map((row) => text(row.event_id)))
    const found = new Map<string, Found>()
    for (const row of events) {
      const [id, type] = [text(row.id), text(row.type)]
      const event = { id, tenantId: tenant, type, dueAt: number(row.due_at) }
      found.set(id, { event, pruned: number(row.pruned) === 1, waiting: unexpanded.has(id) })
    }
    const w = entries.map(({ eventId, delivery }) => [tenant, eventId, delivery.subscriptionId ?? ''])
    const taken = new Set(
      (await statements.rows(EXISTING, { w })).map((row) =>
        keyOf(text(row.event_id), text(row.subscription_id)),
      ),
    )
    const now = await statements.now()
    const decided = entries.map(({ eventId, delivery }): Replayed => {
      const one = found.get(eventId)
      const { subscriptionId, maxAgeMs } = delivery
      if (one === undefined || subscriptionId === null || !subscribed.has(subscriptionId)) return null
      const key = keyOf(eventId, subscriptionId)
      if (taken.has(key)) return 'exists'
      if (one.waiting) return 'waiting'
      if (one.pruned) return 'pruned'
      taken.add(key)
      const expiresAt = toMs(now + toMicros(maxAgeMs))
      return { ...pendingDelivery(now, one.event, delivery), nextAttemptAt: toMs(now), expiresAt }
    })
    return insert(statements, decided, now)
  })
}

async function insert(
  statements: Statements,
  decided: readonly Replayed[],
  now: number,
): Promise<readonly Replayed[]> {
  const fresh = decided.filter((one): one is DeliveryRecord => one !== null && typeof one === 'object')
  if (fresh.length === 0) return decided
  const w = fresh.map(({ tenantId, id }) => [tenantId, id])
  refuseTaken(fresh, await statements.rows(TAKEN, { w }))
  const inserted = await statements.rows(INSERT_DELIVERIES, { d: fresh.map(deliveryLine) })
  const rows = statements.dialect.returning ? inserted : await statements.rows(READ_NUMBERS, { w })
  const numbers = new Map(rows.map((row) => [text(row.id), number(row.number)]))
  await statements.run(INSERT_ROWS, {
    w: fresh.map((row) => [
      ...[row.tenantId, row.eventId, STAGE.due, tenantBucket(row.tenantId), row.subscriptionId ?? '', row.id],
      ...['manual', 0, now, toMicros(row.expiresAt)],
    ]),
  })
  return decided.map((one) =>
    one === null || typeof one !== 'object' ? one : { ...one, number: numbers.get(one.id) ?? 0 },
  )
}

/** An id of a delivery is never given twice. */
function refuseTaken(fresh: readonly DeliveryRecord[], found: readonly Row[]): void {
  const taken = new Set(found.map((row) => text(row.id)))
  for (const { id } of fresh) {
    if (taken.has(id))
      throw new PosthornError(
        'CONFLICT',
        `The delivery id ${id} of a replay is taken. Nothing was stored: replay with a fresh one.`,
      )
    taken.add(id)
  }
}
