/** The statements of `record`: reads under locks, then writes of whole sets. */
import type { Dialect } from './dialect.ts'
import { LINE } from './rows.ts'

/** Queue rows by their places, locked. */
export const LOCK_ROWS = (dialect: Dialect) => `
  select q.id, q.tenant_id, q.event_id, q.kind, q.token, q.claims_before, q.lost_alone_before, q.delivery_id, q.stage, q.due_at
  from {rows w: tenant_id text, event_id text, id bigint}
  join {queue} q ${dialect.useIndex('primary')} on q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id
  order by q.tenant_id, q.event_id, q.id ${dialect.forUpdate}`
/** Queue rows of deliveries, locked, or to be locked by `lockFound`. */
export const LOCK_DELIVERY_ROWS = (dialect: Dialect) => `
  select q.id, q.tenant_id, q.event_id, q.kind, q.token, q.claims_before, q.lost_alone_before, q.delivery_id, q.stage, q.due_at
  from {rows w: tenant_id text, delivery_id text}
  join {queue} q on q.tenant_id = w.tenant_id and q.delivery_id = w.delivery_id
  order by q.tenant_id, q.event_id, q.id ${dialect.lockFound}`
/** Subscriptions whose state decides where a delivery waits: they may neither change nor go until it waits there. */
export const LOCK_SUBSCRIPTIONS = (dialect: Dialect) => `
  select s.tenant_id, s.id, s.state from {rows w: tenant_id text, id text}
  join {subscriptions} s on s.tenant_id = w.tenant_id and s.id = w.id
  order by s.tenant_id, s.id ${dialect.forShare}`
export const READ_SUBSCRIPTIONS = `
  select s.tenant_id, s.id, s.state from {rows w: tenant_id text, id text}
  join {subscriptions} s on s.tenant_id = w.tenant_id and s.id = w.id`
/** Events, and the time. */
export const READ_EVENTS = `
  select c.now, e.tenant_id, e.id, e.type, e.due_at
  from {rows w: tenant_id text, id text} cross join (select {now} as now) c
  left join {events} e on e.tenant_id = w.tenant_id and e.id = w.id`
export const LOCK_DELIVERIES = (dialect: Dialect) => `
  select d.* from {rows w: tenant_id text, id text, event_id text, subscription_id text}
  join {deliveries} d ${dialect.useIndex('deliveries_id')} on d.tenant_id = w.tenant_id and d.id = w.id
  order by d.tenant_id, d.id ${dialect.forUpdate}`
export const LOCK_DELIVERIES_OF_EVENTS = (dialect: Dialect) => `
  select d.* from {rows w: tenant_id text, id text, event_id text, subscription_id text}
  join {deliveries} d ${dialect.useIndex('deliveries_of_event')} on d.tenant_id = w.tenant_id and d.event_id = w.event_id
    and d.subscription_id = w.subscription_id
  order by d.tenant_id, d.id ${dialect.forUpdate}`
export const READ_ATTEMPTS = `
  select a.* from {rows w: tenant_id text, delivery_id text, id text}
  join {attempts} a on a.tenant_id = w.tenant_id and a.delivery_id = w.delivery_id and a.id = w.id`
export const DELIVERY = `tenant_id text, id text, event_id text, event_type text, subscription_id text, destination text, body text,
  headers text, state text, reason text, test bigint, attempt_count bigint, round_start bigint, last_status bigint,
  last_failure text, created_at bigint, updated_at bigint, ended_at bigint, expires_at bigint`
export const ATTEMPT = `tenant_id text, id text, delivery_id text, event_id text, event_type text, subscription_id text,
  number bigint, cause text, url text, started_at bigint, duration_us bigint, outcome text, status bigint, failure text,
  message text, excerpt text, may_have_been_received bigint, after_lost_claim bigint, late bigint`
/** The names of a list of columns. */
export const names = (columns: string): string => columns.replace(/ (text|bigint)\b/g, '')

export const INSERT_DELIVERIES = (dialect: Dialect) => `
  insert into {deliveries} (${names(DELIVERY)}) select ${names(DELIVERY)} from {rows d: ${DELIVERY}}
  ${dialect.returning ? 'where 1 = 1 returning tenant_id, id, number' : ''}`
export const READ_NUMBERS = `
  select d.tenant_id, d.id, d.number from {rows w: tenant_id text, id text}
  join {deliveries} d on d.tenant_id = w.tenant_id and d.id = w.id`
export const UPDATE_DELIVERIES = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{deliveries}',
      alias: 'd',
      from: `{rows w: tenant_id text, id text, state text, reason text, destination text, attempt_count bigint,
        last_status bigint, last_failure text, updated_at bigint, ended_at bigint}`,
      on: 'd.tenant_id = w.tenant_id and d.id = w.id',
      index: 'deliveries_id',
    },
    {
      state: 'w.state',
      reason: 'w.reason',
      destination: 'w.destination',
      attempt_count: 'w.attempt_count',
      last_status: 'w.last_status',
      last_failure: 'w.last_failure',
      updated_at: 'w.updated_at',
      ended_at: 'w.ended_at',
    },
  )
export const INSERT_ATTEMPTS = `
  insert into {attempts} (${names(ATTEMPT)}) select ${names(ATTEMPT)} from {rows a: ${ATTEMPT}}`

const PLACE = 'q.tenant_id = w.tenant_id and q.event_id = w.event_id and q.id = w.id'
export const REMOVE_ROWS = (dialect: Dialect) =>
  dialect.remove({
    table: '{queue}',
    alias: 'q',
    from: '{rows w: tenant_id text, event_id text, id bigint}',
    on: PLACE,
    index: 'primary',
  })
/** Re-dates rows whose delivery waits again, or holds them at their position. */
export const REDATE_ROWS = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{queue}',
      alias: 'q',
      from: '{rows w: tenant_id text, event_id text, id bigint, stage bigint, due_at bigint, cause text, in_order bigint}',
      on: PLACE,
      index: 'primary',
    },
    {
      stage: 'w.stage',
      due_at: 'case when w.stage = 1 then q.position_at else w.due_at end',
      released: '0',
      in_order: `case when w.in_order = 0 then ${LINE.none} else q.in_order end`,
      cause: 'w.cause',
      token: 'null',
      lease_until: '0',
      claims: '0',
      lost_alone: '0',
      claims_before: '0',
      lost_alone_before: '0',
    },
  )
/** Forgets the lost claims of event rows that go on. */
export const CLEAR_ROWS = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{queue}',
      alias: 'q',
      from: '{rows w: tenant_id text, event_id text, id bigint}',
      on: PLACE,
      index: 'primary',
    },
    {
      stage: 'case when q.stage = 2 then 0 else q.stage end',
      claims: 'q.claims - q.claims_before',
      lost_alone: 'q.lost_alone - q.lost_alone_before',
      claims_before: '0',
      lost_alone_before: '0',
    },
  )
/** Queue rows of deliveries that have none, with their event's position. */
export const INSERT_ROWS = `
  insert into {queue} (tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence,
    ordering_key, expires_at, released, in_order, token, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before)
  select w.tenant_id, w.event_id, w.stage, 1, w.bucket, w.subscription_id, w.delivery_id, w.cause,
    case when w.stage = 1 then e.due_at else w.due_at end, e.due_at, e.sequence, e.ordering_key, w.expires_at, 0,
    case when w.in_order = 1 and e.ordering_key is null then ${LINE.keyless} else w.in_order end, null, 0, 0, 0, 0, 0, 0
  from {rows w: tenant_id text, event_id text, stage bigint, bucket bigint, subscription_id text, delivery_id text, cause text,
    in_order bigint, due_at bigint, expires_at bigint}
  join {events} e on e.tenant_id = w.tenant_id and e.id = w.event_id`
