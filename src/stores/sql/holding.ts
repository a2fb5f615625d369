/** Holds what waits and releases what is held: in order, at a rate, within slots, in one step for all processes. */
import type { Released, ReleaseRequest } from '../../queries.ts'
import { SUSPECT } from '../suspect.ts'
import type { Dialect } from './dialect.ts'
import { lockPace, WHOLE_TENANT } from './pace.ts'
import { releasable, SHORT_LANE } from './releasable.ts'
import { LINE, number, STAGE, text } from './rows.ts'
import type { Row, Session, Statements } from './session.ts'

const LANE = 'q.tenant_id = :tenant and q.subscription_id = :subscription'
const PLACE = 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id'
const PLACES = '{rows w: tenant_id text, event_id text, id bigint}'

const LOCK_DUE = (dialect: Dialect) => `
  select q.tenant_id, q.event_id, q.id from {queue} q
  where ${LANE} and q.stage <> 1 and q.lease_until <= :now and q.kind = 1
  limit :count ${dialect.skipLocked}`
const HOLD = (dialect: Dialect) =>
  dialect.update(
    { table: '{queue}', alias: 'q', from: PLACES, on: PLACE, index: 'primary' },
    { stage: '1', due_at: 'q.position_at', token: 'null', lease_until: '0', released: '0' },
  )

const placesOf = (rows: readonly Row[]) =>
  rows.map((row) => [text(row.tenant_id), text(row.event_id), number(row.id)])

/** `Store.hold`. */
export function hold(session: Session, tenant: string, subscription: string, limit: number): Promise<number> {
  return session.transaction(async (statements) => {
    const now = await statements.now()
    const rows = await statements.rows(LOCK_DUE, { tenant, subscription, now, count: limit })
    return rows.length === 0 ? 0 : statements.run(HOLD, { w: placesOf(rows) })
  })
}

/** How many are held, counted to one more than a short lane has. */
const HOW_MANY_HELD = `select count(*) as held from (
  select q.id from {queue} q where q.stage = 1 and q.tenant_id = :tenant and q.subscription_id = :subscription limit ${SHORT_LANE + 1}) h`
const ANY_HELD = `
  select q.id from {queue} q where q.stage = 1 and q.tenant_id = :tenant and q.subscription_id = :subscription limit 1`
const TAKEN =
  'select count(*) as taken from {queue} q where q.tenant_id = :tenant and q.subscription_id = :subscription and q.released = 1'
const TAKEN_BY_TENANT =
  'select count(*) as taken from {queue} q where q.tenant_id = :tenant and q.released = 1'

const RELEASE = (dialect: Dialect) =>
  dialect.update(
    { table: '{queue}', alias: 'q', from: PLACES, on: PLACE, index: 'primary' },
    {
      stage: `case when q.claims >= ${SUSPECT} then ${STAGE.suspect} else 0 end`,
      due_at: '{long now}',
      token: 'null',
      lease_until: '0',
      released: '1',
      cause: 'coalesce(:trigger, q.cause)',
      in_order: `case when {long manual} = 1 then ${LINE.none} else q.in_order end`,
    },
  )

/** `Store.release`. The pace rows are its lock: two releases of a subscription come one after the other. */
export function release(session: Session, request: ReleaseRequest): Promise<Released> {
  const { tenantId: tenant, subscriptionId: subscription, trigger = null } = request
  const lane = { tenant, subscription }
  return session.transaction(async (statements) => {
    const [held] = await statements.rows(HOW_MANY_HELD, lane)
    if (number(held?.held) === 0) return { released: 0, more: false, nextAt: null }
    const own = await lockPace(statements, lane, request.rate)
    const shared =
      request.tenant === undefined
        ? null
        : await lockPace(statements, { tenant, subscription: WHOLE_TENANT }, request.tenant.rate)
    const room = Math.min(
      request.limit,
      await freeSlots(statements, TAKEN, lane, request.slots),
      await freeSlots(statements, TAKEN_BY_TENANT, lane, request.tenant?.slots),
      Math.floor(own.tokens),
      Math.floor(shared?.tokens ?? Number.POSITIVE_INFINITY),
    )
    const rows = room < 1 ? [] : await releasable(statements, request, number(held?.held), room)
    const manual = Number(trigger === 'manual')
    if (rows.length > 0) await statements.run(RELEASE, { w: placesOf(rows), now: own.now, trigger, manual })
    const times = [await own.take(rows.length), await shared?.take(rows.length)].flatMap((at) => at ?? [])
    const [more] = await statements.rows(ANY_HELD, lane)
    const nextAt = times.length === 0 ? null : Math.max(...times)
    return { released: rows.length, more: more !== undefined, nextAt }
  })
}

async function freeSlots(
  statements: Statements,
  count: string,
  lane: { readonly tenant: string; readonly subscription: string },
  slots: number | undefined,
): Promise<number> {
  if (slots === undefined) return Number.POSITIVE_INFINITY
  const [row] = await statements.rows(count, lane)
  return slots - number(row?.taken ?? 0)
}

/** Lanes found in one step, and rows of each that are counted. */
const LANES = 32
const COUNTED = 1_000

/** The next lanes with held rows, however long they are. */
export const HELD_LANES = (dialect: Dialect) => dialect.nextLanes(LANES, 1)
/** How many rows up to 32 lanes hold; unused places name a lane that does not exist. */
export const COUNT_HELD = Array.from(
  { length: LANES },
  (_, at) => `select ${at} as lane, (select count(*) from (select q.id from {queue} q
    where q.stage = 1 and q.tenant_id = :t${at} and q.subscription_id = :s${at} limit ${COUNTED}) held${at}) as held`,
).join(' union all ')

/** `Store.listHeld`. */
export async function listHeld(
  statements: Statements,
  {
    after,
    limit,
  }: {
    readonly after: { readonly tenantId: string; readonly subscriptionId: string } | null
    readonly limit: number
  },
): Promise<readonly { tenantId: string; subscriptionId: string; count: number }[]> {
  const held: { tenantId: string; subscriptionId: string; count: number }[] = []
  let from = { tenant: after?.tenantId ?? '', subscription: after?.subscriptionId ?? '' }
  while (held.length < limit) {
    const rows = await statements.rows(HELD_LANES, from)
    const lanes = rows.map((row) => ({
      tenant: text(row.tenant_id),
      subscription: text(row.subscription_id),
    }))
    const named: Record<string, string> = {}
    for (let at = 0; at < LANES; at += 1) {
      named[`t${at}`] = lanes[at]?.tenant ?? ''
      named[`s${at}`] = lanes[at]?.subscription ?? ''
    }
    const counts = lanes.length === 0 ? [] : await statements.rows(COUNT_HELD, named)
    for (const row of [...counts].sort((a, b) => number(a.lane) - number(b.lane))) {
      const lane = lanes[number(row.lane)]
      // A lane that was emptied in between is none any more; what is held without a subscription is no subscription's.
      if (lane === undefined || lane.subscription === '' || number(row.held) === 0) continue
      held.push({ tenantId: lane.tenant, subscriptionId: lane.subscription, count: number(row.held) })
    }
    const last = lanes.at(-1)
    if (last === undefined || lanes.length < LANES) break
    from = last
  }
  return held.slice(0, limit)
}
