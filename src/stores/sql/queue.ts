/** The rest of the queue: expanded, split, finish, hand back. */
import type { JsonObject } from '../../model.ts'
import type { Claim } from '../../records.ts'
import { SUSPECT } from '../suspect.ts'
import type { Dialect } from './dialect.ts'
import { byPlace } from './lock-found.ts'
import { LINE, number, rowPlace, STAGE, text, toMicros } from './rows.ts'
import type { Session, Statements } from './session.ts'

type Range = { readonly after: string | null; readonly upTo: string | null }

const CLAIMS = '{rows w: tenant_id text, event_id text, id bigint, token text}'
const OF_CLAIM = 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id and q.token = w.token'

/** Claims as the rows of a set, sorted: two writers lock them in the same order. */
export function claimRows(claims: readonly Claim[]): (string | number)[][] {
  return byPlace(claims.map(({ row, token }): [string, string, number, string] => [...rowPlace(row), token]))
}

const EXPANDED = `
  select subscription_id from {deliveries}
  where tenant_id = :tenant and event_id = :event and subscription_id > :after order by subscription_id`
const EXPANDED_RANGE = `
  select subscription_id from {deliveries}
  where tenant_id = :tenant and event_id = :event and subscription_id > :after and subscription_id <= :upTo
  order by subscription_id`

/** `Store.expanded`. */
export async function expanded(
  statements: Statements,
  tenant: string,
  event: string,
  { after, upTo }: Range,
): Promise<readonly string[]> {
  const values = { tenant, event, after: after ?? '' }
  const rows =
    upTo === null
      ? await statements.rows(EXPANDED, values)
      : await statements.rows(EXPANDED_RANGE, { ...values, upTo })
  return rows.map((row) => text(row.subscription_id))
}

const LOCK_CLAIMED = (dialect: Dialect) => `
  select q.id, q.kind from ${CLAIMS} join {queue} q on ${OF_CLAIM} ${dialect.forUpdate}`
const SPLIT = `
  insert into {queue} (tenant_id, event_id, stage, kind, bucket, subscription_id, after_id, up_to_id, cause, due_at, position_at,
    sequence, ordering_key, released, in_order, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before)
  select q.tenant_id, q.event_id, 0, 0, q.bucket, '', r.after_id, r.up_to_id, q.cause, c.now, q.position_at,
    q.sequence, q.ordering_key, 0, case when q.ordering_key is null then ${LINE.keyless} else ${LINE.ofKey} end, 0, 1, 0, 0, 0, 0
  from {rows r: after_id text, up_to_id text} cross join (select {now} as now) c
  join {queue} q on q.tenant_id = :tenant and q.event_id = :event and q.id = :id`
const REMOVE = 'delete from {queue} where tenant_id = :tenant and event_id = :event and id = :id'

/** `Store.split`. */
export function split(session: Session, claim: Claim, ranges: readonly Range[]): Promise<boolean> {
  const [tenant, event, id] = rowPlace(claim.row)
  return session.transaction(async (statements) => {
    const [row] = await statements.rows(LOCK_CLAIMED, { w: claimRows([claim]) })
    if (row === undefined || number(row.kind) !== 0) return false
    const place = { tenant, event, id }
    if (ranges.length > 0)
      await statements.run(SPLIT, { ...place, r: ranges.map(({ after, upTo }) => [after, upTo]) })
    await statements.run(REMOVE, place)
    return true
  })
}

/** Removes claimed rows. */
export const FINISH = (dialect: Dialect) =>
  dialect.remove({
    table: '{queue}',
    alias: 'q',
    from: CLAIMS,
    on: `${OF_CLAIM} and q.kind <> 1`,
    index: 'primary',
  })

/** `Store.finish`. */
export async function finish(session: Session, claims: readonly Claim[]): Promise<number> {
  return claims.length === 0 ? 0 : session.run(FINISH, { w: claimRows(claims) })
}

/** Gives claimed rows back. */
export const HAND_BACK = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{queue}',
      alias: 'q',
      from: '{rows w: tenant_id text, event_id text, id bigint, token text, delay bigint, job text}',
      on: OF_CLAIM,
      index: 'primary',
    },
    {
      stage: `case when q.claims_before >= ${SUSPECT} then ${STAGE.suspect} else 0 end`,
      token: 'null',
      lease_until: '0',
      due_at: '{now} + w.delay',
      claims: 'q.claims_before',
      lost_alone: 'q.lost_alone_before',
      job: 'case when q.kind = 2 and w.job is not null then w.job else q.job end',
    },
  )

/** `Store.handBack`. */
export async function handBack(
  session: Session,
  entries: readonly { readonly claim: Claim; readonly delayMs: number; readonly job?: JsonObject }[],
): Promise<number> {
  if (entries.length === 0) return 0
  const w = byPlace(
    entries.map(({ claim, delayMs, job }): [string, string, number, string, number, string | null] => [
      ...rowPlace(claim.row),
      claim.token,
      toMicros(delayMs),
      job === undefined ? null : JSON.stringify(job),
    ]),
  )
  return session.run(HAND_BACK, { w })
}

const LEAVE_ORDER = (dialect: Dialect) =>
  dialect.update(
    { table: '{queue}', alias: 'q', from: CLAIMS, on: `${OF_CLAIM} and q.kind = 0`, index: 'primary' },
    { in_order: String(LINE.none) },
  )

/** `Store.leaveOrder`. */
export async function leaveOrder(session: Session, claims: readonly Claim[]): Promise<number> {
  return claims.length === 0 ? 0 : session.run(LEAVE_ORDER, { w: claimRows(claims) })
}
