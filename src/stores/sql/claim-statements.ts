/** The statements of `claim`. Limits are constants in the text, so that a planner knows them. */
import type { Dialect } from './dialect.ts'
import { oftenTrue } from './planner.ts'
import { DELIVERY_COLUMNS, EVENT_COLUMNS } from './rows.ts'

const CANDIDATE = 'tenant_id, event_id, id, kind, subscription_id, due_at, sequence, claims'
const FREE = 'due_at <= :now and lease_until <= :now and bucket between :low and :high'

/** Not `order by … limit 1`, for which MySQL would read all that is due on the way to what is not. */
const NEXT_DUE = 'select min(due_at) from {queue} where stage = 0 and due_at > {now}'
/** The same of some buckets. */
const NEXT_DUE_OF_SOME = (dialect: Dialect) => `
  select due_at from {queue} where stage = 0 and due_at > {now} and ${oftenTrue('bucket between :low and :high')}
  order by due_at, sequence ${dialect.limitByIndex(1)}`

/** What time it is, what is due next after it, and when the next suspect is. */
const HORIZON = (dialect: Dialect, ofAll: boolean) => `
  select c.now, (${ofAll ? NEXT_DUE : NEXT_DUE_OF_SOME(dialect)}) as next_due,
    (select min(case when due_at > lease_until then due_at else lease_until end) from {queue}
      where stage = 2 and bucket between :low and :high) as next_suspect
  from (select {now} as now) c limit 1`

/** The horizon and the oldest due rows that nobody works on; a single row without an id when there are none. `ofAll`: of all buckets. */
export const candidates = (count: number, ofAll: boolean) => (dialect: Dialect) =>
  `
  select h.now, h.next_due, h.next_suspect, q.* from (${HORIZON(dialect, ofAll)}) h
  left join (
    select ${CANDIDATE} from {queue}
    where stage = 0 and due_at <= {now} and ${oftenTrue('lease_until <= {now} and bucket between :low and :high')}
    order by due_at, sequence ${dialect.limitByIndex(count)}
  ) q on 1 = 1`

/** One suspect. */
export const SUSPECTS = `
  select ${CANDIDATE} from {queue} where stage = 2 and ${FREE} order by due_at, sequence limit 32`

/** The earliest end of other claims' leases; asked only when nothing free is due, so that few rows are read. */
export const NEXT_LEASE = `
  select min(lease_until) as next_lease from {queue}
  where stage = 0 and due_at <= :now and lease_until > :now and bucket between :low and :high
    and (token is null or token <> :token)`

const TAKE = {
  stage: 'case when q.claims + 1 >= 2 then 2 else q.stage end',
  claims_before: 'q.claims',
  lost_alone_before: 'q.lost_alone',
  resumed: 'case when q.resumed = 0 then 1 else 2 end',
  claims: 'q.claims + 1',
  lost_alone: 'q.lost_alone + :alone',
  token: ':token',
  lease_until: '{long now} + :lease',
}
const PLACE = 'w: tenant_id text, event_id text, id bigint'
const SAME = 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id'
const STILL_FREE = 'q.stage <> 1 and q.due_at <= :now and q.lease_until <= :now'

/**
 * Leases what is still free of the picked rows, leaving out what another claim has locked. Each is looked up by itself: a join would
 * be planned by what the queue was like when it was analysed last, which may be empty.
 */
export const LEASE = (dialect: Dialect) => {
  const locked = `(select w.* from {rows ${PLACE}} cross join lateral (select 1 from {queue} q
    where ${SAME} and ${STILL_FREE} limit 1 ${dialect.skipLocked}) free) as w`
  const from = dialect.skipLocked === '' ? `{rows ${PLACE}}` : locked
  const on = dialect.skipLocked === '' ? `${SAME} and ${STILL_FREE}` : SAME
  return dialect.update({ table: '{queue}', alias: 'q', from, on }, TAKE)
}

/** Where an UPDATE cannot skip locked rows: first lock them … */
export const LOCK_FREE_ROWS = (dialect: Dialect) => `
  select q.tenant_id, q.event_id, q.id from {rows ${PLACE}} join {queue} q ${dialect.useIndex('primary')} on ${SAME}
  where ${STILL_FREE} order by q.tenant_id, q.event_id, q.id ${dialect.skipLocked}`
/** … then lease them. */
export const LEASE_LOCKED = (dialect: Dialect) =>
  dialect.update({ table: '{queue}', alias: 'q', from: `{rows ${PLACE}}`, on: SAME, index: 'primary' }, TAKE)

const columns = (alias: string, prefix: string, names: readonly string[]) =>
  names.map((name) => `${alias}.${name} as ${prefix}${name}`).join(', ')

const LOADED = `
  q.id, q.tenant_id, q.event_id, q.kind, q.after_id, q.up_to_id, q.job, q.cause, q.released, q.due_at, q.sequence, q.lease_until,
  q.claims_before, q.lost_alone_before, q.resumed, t.version, ${columns(
    'e',
    'e_',
    EVENT_COLUMNS.filter((name) => name !== 'body'),
  )}`
const BODY = ', e.body as e_body'
/** Deliveries of one event would each bring its body: `BODIES` brings it once. */
const BODY_OF_EVENTS = ', case when q.kind = 0 then e.body else null end as e_body'
const JOINED = `
  left join {events} e on e.tenant_id = q.tenant_id and e.id = q.event_id
  left join {tenants} t on t.tenant_id = q.tenant_id`
const WITH_DELIVERY = `, ${columns('d', 'd_', DELIVERY_COLUMNS)}, q.stage as d_waiting_stage, q.due_at as d_waiting_at`
const DELIVERY_JOINED = 'left join {deliveries} d on d.tenant_id = q.tenant_id and d.id = q.delivery_id'

const load = (body: string) => `
  select ${LOADED}${body}${WITH_DELIVERY} from {rows ${PLACE}} join {queue} q on ${SAME} ${JOINED} ${DELIVERY_JOINED}
  where q.token = :token`
/** The claimed rows with all that their worker needs. */
export const LOAD = load(BODY)
/** The same without the bodies of deliveries. */
export const LOAD_APART = load(BODY_OF_EVENTS)

/** Where one statement can do both: leases and loads, and says when the next lease of others ends if that is asked. */
const leaseAndLoad = (more: string, join: string) => (dialect: Dialect) =>
  `
  with q as (${LEASE(dialect)} returning q.*)
  select ${LOADED}${more}, (${NEXT_LEASE} and 1 = :ask) as next_lease from q ${JOINED} ${join}`
/** See `leaseAndLoad`: rows of any kind. */
export const LEASE_ANY = leaseAndLoad(BODY + WITH_DELIVERY, DELIVERY_JOINED)
/** See `leaseAndLoad`: the same without the bodies of deliveries. */
export const LEASE_ANY_APART = leaseAndLoad(BODY_OF_EVENTS + WITH_DELIVERY, DELIVERY_JOINED)
/** See `leaseAndLoad`: events and jobs. */
export const LEASE_EVENTS = leaseAndLoad(BODY, '')

/** The bodies of events. */
export const BODIES = `
  select e.tenant_id, e.id as event_id, e.body from {rows w: tenant_id text, event_id text}
  join {events} e on e.tenant_id = w.tenant_id and e.id = w.event_id`
