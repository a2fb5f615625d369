/**
 * The common outcomes in one statement: the first attempt of a delivery of a claimed event, by which the delivery ends. Nothing is
 * stored of it yet and the claim's row is the only lock it needs. Whatever turns out otherwise (a lost claim, lost claims to
 * forget, a delivery that exists) goes the general way of `record.ts`.
 */
import type { Outcome, Recorded } from '../../queries.ts'
import { attemptRecord } from '../attempt.ts'
import { deliveryRecord } from '../delivery.ts'
import { isTransient } from './retry.ts'
import { asStored, instant, number, rowPlace, text, toMicros, toMs } from './rows.ts'
import type { Row, Session } from './session.ts'

/** An outcome that may go this way. */
type FirstOutcome = Outcome & {
  readonly attempt: NonNullable<Outcome['attempt']>
  readonly next: Extract<Outcome['next'], { state: 'succeeded' | 'failed' }>
}

const COLUMNS = `n bigint, tenant_id text, event_id text, row_id bigint, token text, last bigint, delivery_id text,
  subscription_id text, body text, headers text, test bigint, max_age bigint, state text, reason text, attempt_id text, cause text,
  url text, started_at bigint, duration_us bigint, outcome text, status bigint, failure text, message text, excerpt text,
  may_have_been_received bigint, after_lost_claim bigint`

/**
 * Postgres. The rows of live claims are locked first, one by one: a join would be planned by what the queue was like when it was
 * analysed last, which may be empty. A delivery or an attempt that exists refuses the whole statement, which then has recorded
 * nothing: `on conflict` would look for each row in every unique index before it inserts it, at four times the cost. A claim is
 * finished when its last outcome is among these; the number of its row then follows.
 */
export const RECORD_FIRST = `
  with c as materialized (select {now} as now),
  o as materialized (select o.* from {batch o: ${COLUMNS}}),
  f as materialized (
    select o.*, e.type, e.due_at from o
    cross join lateral (
      select 1 from {queue} q
      where q.tenant_id = o.tenant_id and q.event_id = o.event_id and q.id = o.row_id and q.token = o.token
        and q.kind = 0 and q.claims_before = 0 and q.lost_alone_before = 0
      limit 1 for update
    ) r
    cross join lateral (
      select e.type, e.due_at from {events} e where e.tenant_id = o.tenant_id and e.id = o.event_id limit 1
    ) e
    cross join lateral (
      select 1 from {subscriptions} s where s.tenant_id = o.tenant_id and s.id = o.subscription_id limit 1
    ) s
  ),
  d as (
    insert into {deliveries} (tenant_id, id, event_id, event_type, subscription_id, body, headers, state, reason, test, attempt_count,
      round_start, last_status, last_failure, created_at, updated_at, ended_at, expires_at)
    select f.tenant_id, f.delivery_id, f.event_id, f.type, f.subscription_id, f.body, f.headers, f.state, f.reason, f.test, 1, 0,
      f.status, f.failure, c.now, c.now, c.now, f.due_at + f.max_age
    from f cross join c order by f.tenant_id, f.delivery_id
    returning tenant_id, id, number
  ),
  a as (
    insert into {attempts} (tenant_id, id, delivery_id, event_id, event_type, subscription_id, number, cause, url, started_at,
      duration_us, outcome, status, failure, message, excerpt, may_have_been_received, after_lost_claim, late)
    select f.tenant_id, f.attempt_id, f.delivery_id, f.event_id, f.type, f.subscription_id, 1, f.cause, f.url, f.started_at,
      f.duration_us, f.outcome, f.status, f.failure, f.message, f.excerpt, f.may_have_been_received, f.after_lost_claim, 0
    from f join d on d.tenant_id = f.tenant_id and d.id = f.delivery_id
  ),
  l as (
    delete from {queue} q using (
      select o.tenant_id, o.event_id, o.row_id, o.token from o
      left join d on d.tenant_id = o.tenant_id and d.id = o.delivery_id
      group by o.tenant_id, o.event_id, o.row_id, o.token having max(o.last) = 1 and count(d.id) = count(*)
    ) w
    where q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.row_id and q.token = w.token
    returning q.id
  )
  select f.n, f.type, f.due_at, d.number, c.now from f cross join c join d on d.tenant_id = f.tenant_id and d.id = f.delivery_id
  union all select -1, null, 0, l.id, 0 from l`

/** It ends a delivery of a subscription with one attempt. */
export function isFirst(outcome: Outcome): outcome is FirstOutcome {
  const { delivery, attempt, next } = outcome
  const ends = next.state === 'succeeded' || next.state === 'failed'
  return ends && attempt !== null && delivery.subscriptionId !== null && delivery.destination === null
}

type Line = (string | number | null)[]

/**
 * Records what it can; the places of the others stay empty. A statement that was refused for what is there already, or had to give
 * way, has recorded nothing. After any other failure (a lost connection, a deadline) nobody knows: it rejects, and all is told again.
 */
export async function recordFirst(
  session: Session,
  outcomes: readonly Outcome[],
): Promise<(Recorded | undefined)[]> {
  const recorded = new Array<Recorded | undefined>(outcomes.length).fill(undefined)
  if (!session.dialect.insertsTogether) return recorded
  // An outcome sees what those before it did, so all of one claim go the same way.
  const others = new Set(outcomes.flatMap((outcome) => (isFirst(outcome) ? [] : [outcome.claim.row])))
  const lines: Line[] = []
  outcomes.forEach((outcome, at) => {
    if (isFirst(outcome) && !others.has(outcome.claim.row)) lines.push(lineOf(outcome, at))
  })
  if (lines.length === 0) return recorded
  lines.sort(byPlace)
  const rows = await session.rowsOnce(RECORD_FIRST, { o: lines }).catch(noneIfRefused)
  const finished = new Set(rows.flatMap((row) => (number(row.n) === -1 ? [number(row.number)] : [])))
  for (const row of rows) {
    const outcome = outcomes[number(row.n)]
    if (outcome === undefined || !isFirst(outcome)) continue
    const ends = outcome.last === true && finished.has(rowPlace(outcome.claim.row)[2])
    recorded[number(row.n)] = recordedOf(outcome, row, ends)
  }
  return recorded
}

/** Every writer locks queue rows in this order. */
function byPlace(a: Line, b: Line): number {
  return compare(a[1], b[1]) || compare(a[2], b[2]) || Number(a[3]) - Number(b[3])
}

const compare = (a: unknown, b: unknown): number => (a === b ? 0 : String(a) < String(b) ? -1 : 1)

function noneIfRefused(cause: unknown): readonly Row[] {
  if (isTransient(cause)) return []
  throw cause
}

function lineOf({ claim, tenantId, eventId, delivery, attempt, next, last }: FirstOutcome, at: number): Line {
  const [, , rowId] = rowPlace(claim.row)
  return [
    ...[
      at,
      tenantId,
      eventId,
      rowId,
      claim.token,
      last === true ? 1 : 0,
      delivery.id,
      delivery.subscriptionId,
    ],
    ...[
      delivery.body,
      delivery.headers === null ? null : JSON.stringify(delivery.headers),
      delivery.test ? 1 : 0,
    ],
    ...[toMicros(delivery.maxAgeMs), next.state, next.state === 'failed' ? next.reason : null],
    ...[attempt.id, attempt.trigger, attempt.url, toMicros(attempt.startedAt), toMicros(attempt.durationMs)],
    ...[attempt.outcome, attempt.status, attempt.failure, attempt.message, attempt.excerpt],
    ...[attempt.mayHaveBeenReceived ? 1 : 0, attempt.afterLostClaim ? 1 : 0],
  ]
}

function recordedOf(outcome: FirstOutcome, row: Row, finished: boolean): Recorded {
  const { tenantId, eventId, delivery: input, attempt: made, next } = outcome
  const eventType = text(row.type)
  const owner = { tenantId, eventId, eventType, subscriptionId: input.subscriptionId }
  const given = {
    number: number(row.number),
    tenantId,
    eventId,
    eventType,
    headers: input.headers === null ? null : { ...input.headers },
    now: instant(row.now),
    nextAttemptAt: null,
    expiresAt: toMs(number(row.due_at) + toMicros(input.maxAgeMs)),
  }
  const reason = next.state === 'failed' ? next.reason : null
  const ended = { state: next.state, reason, lastStatus: made.status, lastFailure: made.failure }
  const delivery = deliveryRecord(input, given, ended)
  const attempt = attemptRecord(asStored(made), owner, input.id, 1, false)
  return finished
    ? { result: 'recorded', delivery, attempt, finished }
    : { result: 'recorded', delivery, attempt }
}
