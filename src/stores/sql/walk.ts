/**
 * Finds who waits behind a backlog: goes from one lane (a tenant's subscription, or a tenant's events) to the next by index,
 * whatever their lengths, a bounded number of them at a time, and on from there the next time.
 */
import type { ClaimRequest } from '../../queries.ts'
import { keyOf } from './book.ts'
import type { Dialect } from './dialect.ts'
import { type Candidate, shareOf } from './pick.ts'
import { number, text } from './rows.ts'
import type { Row, Session } from './session.ts'
import type { Values } from './template.ts'

/** Lanes seen in one walk: of a claim of few rows, and of a larger one. */
const LANES = { few: 64, many: 128 }
/** Lanes whose rows are read in one statement. */
const AT_ONCE = 32

interface Lane {
  readonly tenant: string
  readonly subscription: string
}

/** Lanes that follow one another, and whether there are no more behind them. */
interface Seen {
  readonly rows: readonly Row[]
  readonly isEnd: boolean
}

const FIRST: Lane = { tenant: '', subscription: '' }
const CANDIDATE = 'q.tenant_id, q.event_id, q.id, q.kind, q.subscription_id, q.due_at, q.sequence, q.claims'

const NEXT_FEW = (dialect: Dialect) => dialect.nextLanes(LANES.few, 0)
const NEXT_MANY = (dialect: Dialect) => dialect.nextLanes(LANES.many, 0)

const FREE = 'q.due_at <= :now and q.lease_until <= :now and q.bucket between :low and :high'

/** The first free rows of lanes: of any number of them, or of up to 32, where unused places name a lane that does not exist. */
export const lanesRows = (count: number) => (dialect: Dialect) => {
  if (dialect.lateral) {
    return `select r.* from {rows l: tenant_id text, subscription_id text} cross join lateral (
      select ${CANDIDATE} from {queue} q
      where q.stage = 0 and q.tenant_id = l.tenant_id and q.subscription_id = l.subscription_id and ${FREE}
      order by q.due_at, q.sequence limit ${count}) r`
  }
  const one = (at: number) => `
    select * from (select ${CANDIDATE} from {queue} q ${dialect.useIndex('queue_lanes')}
      where q.stage = 0 and q.tenant_id = :t${at} and q.subscription_id = :s${at}
        and ${FREE}
      order by q.due_at, q.sequence limit ${count}) lane${at}`
  return Array.from({ length: AT_ONCE }, (_, at) => one(at)).join(' union all ')
}
const ROWS = [4, 16, 64].map((count) => ({ count, template: lanesRows(count) }))

/** Walks on from where the walk before ended. */
export function createWalk(session: Session) {
  let from = FIRST

  /** Reads on from where the walk before ended; the look does not depend on it. */
  function see({ limit }: ClaimRequest): Promise<Seen> {
    const [lanes, template] = limit <= LANES.few ? [LANES.few, NEXT_FEW] : [LANES.many, NEXT_MANY]
    const values = { tenant: from.tenant, subscription: from.subscription }
    return session.rows(template, values).then((rows) => ({ rows, isEnd: rows.length < lanes }))
  }

  async function rowsOf(lanes: readonly Lane[], each: number, values: Values): Promise<readonly Candidate[]> {
    const { template } = ROWS.find(({ count }) => count >= each) ?? ROWS[2] ?? { template: '' }
    if (session.dialect.lateral) {
      const l = lanes.map(({ tenant, subscription }) => [tenant, subscription])
      return (await session.rows(template, { ...values, l })).map(candidateOf)
    }
    const named: Record<string, string> = {}
    for (let at = 0; at < AT_ONCE; at += 1) {
      named[`t${at}`] = lanes[at]?.tenant ?? ''
      named[`s${at}`] = lanes[at]?.subscription ?? ''
    }
    return (await session.rows(template, { ...values, ...named })).map(candidateOf)
  }

  /** `known`: rows that have been read; lanes with enough of them are not asked again. */
  async function behind(
    request: ClaimRequest,
    values: Values,
    known: readonly Candidate[],
    seen: Promise<Seen>,
  ): Promise<readonly Candidate[]> {
    const { rows: next, isEnd } = await seen
    const last = next.at(-1)
    from = last === undefined || isEnd ? FIRST : laneOf(last)
    const due = next
      .filter((row) => Number(row.due_at) <= Number(values.now))
      .map(laneOf)
      .filter(({ subscription }) => shareOf(subscription, request) > 0)
    const found: Candidate[] = []
    const each = Math.max(1, Math.min(request.perTenant, Math.ceil(request.limit / Math.max(1, due.length))))
    const rows = rowsByLane(known)
    const lanes = due.filter((lane) => (rows.get(keyOf(lane.tenant, lane.subscription)) ?? 0) < each)
    const atOnce = session.dialect.lateral ? LANES.many : AT_ONCE
    let at = 0
    for (; at < lanes.length && found.length < request.limit * 2; at += atOnce)
      found.push(...(await rowsOf(lanes.slice(at, at + atOnce), each, values)))
    // Those that were seen and not read are the first of the next walk.
    if (at < lanes.length) from = lanes[at - 1] ?? from
    return found
  }

  return { see, behind }
}

function rowsByLane(rows: readonly Candidate[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { tenantId, subscriptionId } of rows) {
    const lane = keyOf(tenantId, subscriptionId)
    counts.set(lane, (counts.get(lane) ?? 0) + 1)
  }
  return counts
}

const laneOf = (row: Row): Lane => ({
  tenant: text(row.tenant_id),
  subscription: text(row.subscription_id),
})

/** A candidate of a row. */
export function candidateOf(row: Row): Candidate {
  return {
    tenantId: text(row.tenant_id),
    eventId: text(row.event_id),
    id: number(row.id),
    kind: number(row.kind),
    subscriptionId: text(row.subscription_id),
    dueAt: number(row.due_at),
    sequence: number(row.sequence),
    lostClaims: number(row.claims),
  }
}
