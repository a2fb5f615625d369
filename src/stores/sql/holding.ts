/** Holds what is due and releases what is held: in order, at a rate, within slots, in one step for all processes. */
import type { Released, ReleaseRequest } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { number, numberOrNull, SUSPECT, text, toMs } from './rows.ts'
import type { Row, Session, Statements } from './session.ts'

const LANE = 'q.tenant_id = :tenant and q.subscription_id = :subscription'
const PLACE = 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id'
const PLACES = '{rows w: tenant_id text, event_id text, id bigint}'

const LOCK_DUE = (dialect: Dialect) => `
  select q.tenant_id, q.event_id, q.id from {queue} q
  where ${LANE} and q.stage <> 1 and q.due_at <= :now and q.lease_until <= :now and q.kind = 1
  limit :count ${dialect.skipLocked}`
const HOLD = (dialect: Dialect) =>
  dialect.update(
    { table: '{queue}', alias: 'q', from: PLACES, on: PLACE },
    { stage: '1', due_at: 'q.position_at', token: 'null', lease_until: '0', released: '0' },
  )

const placesOf = (rows: readonly Row[]) =>
  rows.map((row) => [text(row['tenant_id']), text(row['event_id']), number(row['id'])])

/** `Store.hold`. */
export function hold(session: Session, tenant: string, subscription: string, limit: number): Promise<number> {
  return session.transaction(async (statements) => {
    const now = await statements.now()
    const rows = await statements.rows(LOCK_DUE, { tenant, subscription, now, count: limit })
    return rows.length === 0 ? 0 : statements.run(HOLD, { w: placesOf(rows) })
  })
}

const NEW_PACE = (dialect: Dialect) => `
  insert into {paces} (tenant_id, subscription_id, tokens, refilled_at) values (:tenant, :subscription, null, 0)
  ${dialect.keepExisting('refilled_at')}`
const LOCK_PACE = (dialect: Dialect) => `
  select tokens, refilled_at, {now} as now from {paces}
  where tenant_id = :tenant and subscription_id = :subscription ${dialect.forUpdate}`
const TAKE_TOKENS = `
  update {paces} set tokens = :tokens, refilled_at = :now where tenant_id = :tenant and subscription_id = :subscription`
const ANY_HELD = 'select q.id from {queue} q where q.stage = 1 and q.tenant_id = :tenant and q.subscription_id = :subscription limit 1'
const TAKEN = `select count(*) as taken from {queue} q where ${LANE} and q.stage <> 1 and q.released = 1`

const HELD = `select q.tenant_id, q.event_id, q.id, q.ordering_key, q.position_at, q.sequence from {queue} q
  where q.stage = 1 and ${LANE}`
const ORDER = 'order by q.tenant_id, q.subscription_id, q.due_at, q.sequence limit :count'
const LOWER = '(o.position_at < q.position_at or (o.position_at = q.position_at and o.sequence < q.sequence))'
const FREE_LANE = `not exists (select 1 from {queue} o where o.tenant_id = q.tenant_id and o.subscription_id = q.subscription_id
  and o.stage <> 1 and ${LOWER})`
const FREE_EVENTS = `not exists (select 1 from {queue} o where o.tenant_id = q.tenant_id and o.subscription_id = '' and o.kind = 0
  and ${LOWER})`
const FREE_KEY = `(q.ordering_key is null or not exists (select 1 from {queue} o where o.tenant_id = q.tenant_id
  and o.ordering_key = q.ordering_key and (o.kind = 0 or o.subscription_id = q.subscription_id) and ${LOWER}))`

const LOCK_ANY = (dialect: Dialect) => `${HELD} ${ORDER} ${dialect.forUpdate}`
const LOCK_FIRST = (dialect: Dialect) => `${HELD} and ${FREE_LANE} and ${FREE_EVENTS} ${ORDER} ${dialect.forUpdate}`
const LOCK_FIRST_OF_KEYS = (dialect: Dialect) => `${HELD} and ${FREE_KEY} ${ORDER} ${dialect.forUpdate}`

const RELEASE = (dialect: Dialect) =>
  dialect.update(
    { table: '{queue}', alias: 'q', from: PLACES, on: PLACE },
    {
      stage: `case when q.claims >= ${SUSPECT} then 2 else 0 end`,
      due_at: '{long now}',
      token: 'null',
      lease_until: '0',
      released: '1',
      cause: 'coalesce(:trigger, q.cause)',
    },
  )

/** `Store.release`. The pace row is its lock: two releases of a subscription come one after the other. */
export function release(session: Session, request: ReleaseRequest): Promise<Released> {
  const { tenantId: tenant, subscriptionId: subscription, rate } = request
  const lane = { tenant, subscription }
  return session.transaction(async (statements) => {
    const [held] = await statements.rows(ANY_HELD, lane)
    if (held === undefined) return { released: 0, more: false, nextAt: null }
    await statements.run(NEW_PACE, lane)
    const [pace] = await statements.rows(LOCK_PACE, lane)
    const now = number(pace?.['now'])
    const tokens = tokensOf(request, pace, now)
    const slots = request.slots === undefined ? Number.POSITIVE_INFINITY : request.slots - (await taken(statements, lane))
    const room = Math.max(0, Math.min(request.limit, slots, Math.floor(tokens)))
    const rows = room === 0 ? [] : await releasable(statements, request, room)
    if (rows.length > 0)
      await statements.run(RELEASE, { w: placesOf(rows), now, trigger: request.trigger ?? null })
    const left = tokens - rows.length
    if (rate !== undefined) await statements.run(TAKE_TOKENS, { ...lane, tokens: left, now })
    const [more] = await statements.rows(ANY_HELD, lane)
    const nextAt = rate === undefined ? null : nextTokenAt(rate, left, toMs(now))
    return { released: rows.length, more: more !== undefined, nextAt }
  })
}

async function taken(statements: Statements, lane: { tenant: string; subscription: string }): Promise<number> {
  const [row] = await statements.rows(TAKEN, lane)
  return number(row?.['taken'] ?? 0)
}

/** The held rows that may go, lowest position first. */
function releasable(
  statements: Statements,
  { tenantId: tenant, subscriptionId: subscription, ordering }: ReleaseRequest,
  room: number,
): Promise<readonly Row[]> {
  const lane = { tenant, subscription, count: room }
  if (ordering === 'none') return statements.rows(LOCK_ANY, lane)
  // A lane in order has one open row at a time: its first.
  if (ordering === 'subscription') return firstOf(statements, lane)
  return statements.rows(LOCK_FIRST_OF_KEYS, lane)
}

async function firstOf(
  statements: Statements,
  lane: { readonly tenant: string; readonly subscription: string },
): Promise<readonly Row[]> {
  const [first] = await statements.rows(LOCK_ANY, { ...lane, count: 1 })
  const [free] = await statements.rows(LOCK_FIRST, { ...lane, count: 1 })
  return first !== undefined && free !== undefined && number(first['id']) === number(free['id']) ? [free] : []
}

function tokensOf({ rate }: ReleaseRequest, pace: Row | undefined, now: number): number {
  if (rate === undefined) return Number.POSITIVE_INFINITY
  const kept = numberOrNull(pace?.['tokens'] ?? null)
  if (kept === null) return rate.count
  const elapsedMs = toMs(Math.max(0, now - number(pace?.['refilled_at'])))
  // The margin keeps a token that is due at exactly this instant from being lost to rounding.
  return Math.min(rate.count, kept + (elapsedMs * rate.count) / rate.perMs + 1e-9)
}

function nextTokenAt(rate: NonNullable<ReleaseRequest['rate']>, tokens: number, nowMs: number): number {
  return tokens >= 1 ? nowMs : nowMs + ((1 - tokens) * rate.perMs) / rate.count
}

const LIST = `
  select q.tenant_id, q.subscription_id, count(*) as held from {queue} q where q.stage = 1
    and (q.tenant_id > :tenant or (q.tenant_id = :tenant and q.subscription_id > :subscription))
  group by q.tenant_id, q.subscription_id order by q.tenant_id, q.subscription_id limit :count`

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
  const from = { tenant: after?.tenantId ?? '', subscription: after?.subscriptionId ?? '' }
  const rows = await statements.rows(LIST, { ...from, count: limit })
  return rows.map((row) => ({
    tenantId: text(row['tenant_id']),
    subscriptionId: text(row['subscription_id']),
    count: number(row['held']),
  }))
}
