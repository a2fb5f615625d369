/** The statements of `append`: one where a statement may insert into several tables, else one after the other. */
import type { Dialect } from './dialect.ts'
import { MARKED } from './open-transaction.ts'
import { LINE } from './rows.ts'
import type { Template } from './session.ts'

const STORED = `published_at, due_at`
const EVENT =
  'tenant_id, id, type, body, metadata, ordering_key, settings, test, skipped, idempotency_key, occurred_at'
const GIVEN = `n bigint, tenant_id text, id text, type text, body json, metadata text, ordering_key text, settings text,
  test bigint, skipped bigint, idempotency_key text, occurred_at bigint, asked_at bigint, delay bigint`
const OWED = `n bigint, tenant_id text, id text, bucket bigint, delivery_id text, addressee text, max_age bigint`
const ADDRESSED = `n bigint, destination text, own_body text, own_headers text, own_test bigint`

const QUEUED = `tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence,
  ordering_key, expires_at, released, in_order, token, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before`
/** Queue rows of the new events `e` with their lines `o`, the first due ones of them claimed. */
const queueRows = (from: string) => `
  select tenant_id, id, 0, case when delivery_id is null then 0 else 1 end, bucket, coalesce(addressee, ''),
    delivery_id, 'event', due_at, due_at, sequence, ordering_key, due_at + max_age, 0,
    case when ordering_key is null then ${LINE.keyless} else ${LINE.ofKey} end,
    case when claimed = 1 then :token else null end, case when claimed = 1 then now + :lease else 0 end,
    claimed, claimed, 0, 0, 0
  from (
    select o.n, o.tenant_id, o.id, o.bucket, o.delivery_id, o.addressee, o.max_age, e.due_at, e.sequence, e.ordering_key, c.now,
      case when e.due_at <= c.now and row_number() over (partition by case when e.due_at <= c.now then 1 else 0 end order by o.n) <= :room
        then 1 else 0 end as claimed
    ${from} and e.skipped = 0
  ) x order by n`
const DELIVERED = `tenant_id, id, event_id, event_type, subscription_id, destination, body, headers, state, test, attempt_count,
  round_start, created_at, updated_at, expires_at`
const DELIVERY_ROW = `o.tenant_id, o.delivery_id, o.id, e.type, coalesce(o.addressee, ''), a.destination, a.own_body, a.own_headers,
  'pending', a.own_test, 0, 0, c.now, c.now, e.due_at + o.max_age`

/** Not before a subscription that was created a moment earlier, by the same clock. */
const PUBLISHED_AT = 'case when t.last_created_at > c.now then t.last_created_at else c.now end'
const ASKED_AT = 'coalesce(g.asked_at, c.now + coalesce(g.delay, 0))'
const DUE_AT = `case when ${ASKED_AT} > c.now then ${ASKED_AT} else c.now end`
const givenColumns = EVENT.split(', ')
  .map((column) => `g.${column}`)
  .join(', ')

/**
 * Postgres: everything in one statement; one line per event, without a sequence where it is a duplicate. Where `fresh`, a duplicate
 * refuses the statement instead: not to look for each row before it is inserted saves a quarter of the statement. Where `marked`,
 * nothing is inserted and no line comes back unless the open transaction bears the mark (`open-transaction.ts`).
 */
const inCommon = (addressed: boolean, fresh: boolean, marked = false) => `
  with c as materialized (select {now} as now),
  g as materialized (select nextval('{events_sequence_seq}') as sequence, g.* from {batch g: ${GIVEN}}${marked ? ` where ${MARKED}` : ''}),
  o as materialized (select o.* from {batch o: ${OWED}}),
  e as (
    insert into {events} (sequence, ${EVENT}, ${STORED})
    select g.sequence, ${givenColumns}, ${PUBLISHED_AT}, ${DUE_AT}
    from g cross join c left join {tenants} t on t.tenant_id = g.tenant_id
    order by g.tenant_id, g.idempotency_key, g.id
    ${fresh ? '' : 'on conflict do nothing'}
    returning sequence, tenant_id, id, type, ordering_key, skipped, published_at, due_at
  ),
  q as (
    insert into {queue} (${QUEUED})
    ${queueRows('from e join o on o.tenant_id = e.tenant_id and o.id = e.id cross join c where true')}
    returning id, sequence, lease_until
  )${
    addressed
      ? `, d as (
    insert into {deliveries} (${DELIVERED}) select ${DELIVERY_ROW}
    from e join o on o.tenant_id = e.tenant_id and o.id = e.id cross join c
    join {batch a: ${ADDRESSED}} on a.n = o.n where e.skipped = 0
    returning number, id
  )`
      : ''
  }
  select g.n, e.sequence, e.published_at, e.due_at, q.id as row_id, q.lease_until, t.version, c.now,
    ${addressed ? 'd.number' : 'null'} as number
  from g cross join c left join e on e.sequence = g.sequence left join q on q.sequence = g.sequence
  ${addressed ? 'left join o on o.n = g.n left join d on d.id = o.delivery_id' : ''}
  left join {tenants} t on t.tenant_id = g.tenant_id`

/** See `inCommon`. */
export const APPEND_PLAIN = inCommon(false, false)
/** See `inCommon`. */
export const APPEND_FRESH = inCommon(false, true)
/** See `inCommon`; some of the events have an addressee. */
export const APPEND_ADDRESSED = inCommon(true, false)

/** In a caller's transaction of which nothing has said that it is open. */
export const APPEND_MARKED = inCommon(false, false, true)
/** The same; some of the events have an addressee. */
export const APPEND_MARKED_ADDRESSED = inCommon(true, false, true)

const clock = '(select {now} as now) c'
/** By their ids: what an INSERT reads on its way stays locked until the caller's transaction ends, with the places beside it. */
const byId = (dialect: Dialect) =>
  `{events} e ${dialect.useIndex('events_id')} on e.tenant_id = o.tenant_id and e.id = o.id`
const fromEvents = (dialect: Dialect) =>
  `from {batch o: ${OWED}} ${dialect.joinInOrder} ${byId(dialect)} cross join ${clock}`

/** Elsewhere, first: the events. `mark` tells the new ones from those that were there. */
export const INSERT_EVENTS = (dialect: Dialect) => `
  insert into {events} (${EVENT}, ${STORED}, append_id)
  select ${givenColumns}, ${PUBLISHED_AT}, ${DUE_AT}, :mark
  from {batch g: ${GIVEN}} cross join ${clock} left join {tenants} t on t.tenant_id = g.tenant_id
  where 1 = 1 order by g.n
  ${dialect.keepExisting('{events}.append_id')}`
/** Second: deliveries of addressees. */
export const INSERT_DELIVERIES = (dialect: Dialect) => `
  insert into {deliveries} (${DELIVERED}) select ${DELIVERY_ROW}
  ${fromEvents(dialect)} join {batch a: ${ADDRESSED}} on a.n = o.n
  where e.append_id = :mark and e.skipped = 0`
/** Third: queue rows. */
export const INSERT_QUEUE = (dialect: Dialect) => `
  insert into {queue} (${QUEUED}) ${queueRows(`${fromEvents(dialect)} where e.append_id = :mark`)}`
const readAppended = (claimed: boolean) => (dialect: Dialect) =>
  `
  select o.n, e.sequence, e.published_at, e.due_at, t.version, c.now,
    ${claimed ? 'q.id as row_id, q.lease_until, d.number' : 'null as row_id, null as lease_until, null as number'}
  from {batch o: ${OWED}} cross join ${clock}
  left join ${byId(dialect)} and e.append_id = :mark
  ${claimed ? 'left join {queue} q on q.tenant_id = e.tenant_id and q.event_id = e.id' : ''}
  ${claimed ? 'left join {deliveries} d on d.tenant_id = e.tenant_id and d.id = o.delivery_id' : ''}
  left join {tenants} t on t.tenant_id = o.tenant_id`
/** Fourth: what became of them. Not their queue rows, for which nobody asks: of those the place of the next one would be locked, too. */
export const READ_APPENDED = readAppended(false)
/** The same, with what was claimed. */
export const READ_CLAIMED = readAppended(true)

const newRows = (dialect: Dialect, table: string, index: string) =>
  dialect.remove({
    ...{ table, alias: 'x', index },
    from: `{batch o: ${OWED}} ${dialect.joinInOrder} ${byId(dialect)} and e.append_id = :mark`,
    on: 'x.tenant_id = e.tenant_id and x.event_id = e.id',
  })
/** Takes back what was inserted, last things first: the queue rows, the deliveries, the events. */
export const TAKE_BACK: readonly Template[] = [
  (dialect) => newRows(dialect, '{queue}', 'queue_event'),
  (dialect) => newRows(dialect, '{deliveries}', 'deliveries_of_event'),
  (dialect) =>
    dialect.remove({
      ...{ table: '{events}', alias: 'x', from: `{batch o: ${OWED}}`, index: 'events_id' },
      on: 'x.tenant_id = o.tenant_id and x.id = o.id and x.append_id = :mark',
    }),
]

/** Events of the same id or key as given ones. */
export const READ_EXISTING = (dialect: Dialect) => `
  select w.n, e.* from {rows w: n bigint, tenant_id text, id text, idempotency_key text}
  join {events} e on e.tenant_id = w.tenant_id and (e.id = w.id) ${dialect.forShare}`
/** The same, by key. */
export const READ_EXISTING_KEYS = (dialect: Dialect) => `
  select w.n, e.* from {rows w: n bigint, tenant_id text, id text, idempotency_key text}
  join {events} e on e.tenant_id = w.tenant_id and e.idempotency_key = w.idempotency_key ${dialect.forShare}`
