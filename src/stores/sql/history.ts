/** Rollups, pruning and erasing. What is undelivered is never pruned. */

import type { TenantFilter } from '../../lists.ts'
import { anyTenant } from '../../model.ts'
import type { PruneRequest } from '../../queries.ts'
import type { RollupRecord } from '../../records.ts'
import { type Sums, sumOf } from '../rollup.ts'
import type { Dialect } from './dialect.ts'
import { json, number, orNull, text, toMicros } from './rows.ts'
import type { Row, Session, Statements, Template } from './session.ts'
import { BUMP } from './subscriptions.ts'
import type { Values } from './template.ts'

const KEY =
  'tenant_id text, bucket_ms bigint, bucket_at bigint, subscription_id text, event_type text, slot text'
const NAMES = KEY.replace(/ (text|bigint)\b/g, '')
const SAME = NAMES.split(', ')
  .map((name) => `r.${name} = w.${name}`)
  .join(' and ')
const NEW_ROLLUPS = (dialect: Dialect) => `
  insert into {rollups} (${NAMES}, counters, histogram) select ${NAMES}, '{}', '[]' from {rows w: ${KEY}} where 1 = 1
  ${dialect.keepExisting('{rollups}.slot')}`
const LOCK_ROLLUPS = (dialect: Dialect) => `
  select r.* from {rows w: ${KEY}} join {rollups} r on ${SAME} order by ${NAMES.replace(/\w+/g, 'r.$&')} ${dialect.forUpdate}`
const WRITE_ROLLUPS = (dialect: Dialect) =>
  dialect.update(
    { table: '{rollups}', alias: 'r', from: `{rows w: ${KEY}, counters text, histogram text}`, on: SAME },
    { counters: 'w.counters', histogram: 'w.histogram' },
  )

const NOTHING: Sums = { counters: {}, histogram: [] }

const lineOf = (rollup: RollupRecord): (string | number)[] => [
  ...[
    rollup.tenantId,
    rollup.bucketMs,
    rollup.bucketAt,
    rollup.subscriptionId ?? '',
    rollup.eventType,
    rollup.slot,
  ],
]

function rollupOf(row: Row): RollupRecord {
  return {
    tenantId: text(row.tenant_id),
    subscriptionId: orNull(row.subscription_id),
    eventType: text(row.event_type),
    bucketAt: number(row.bucket_at),
    bucketMs: number(row.bucket_ms),
    slot: text(row.slot),
    counters: json(row.counters, {}),
    histogram: json(row.histogram, []),
  }
}

/** `Store.addRollups`. */
export async function addRollups(session: Session, rollups: readonly RollupRecord[]): Promise<void> {
  if (rollups.length === 0) return
  const added = new Map<string, { line: (string | number)[]; sums: Sums }>()
  for (const rollup of rollups) {
    const line = lineOf(rollup)
    const key = JSON.stringify(line)
    added.set(key, { line, sums: sumOf(added.get(key)?.sums ?? NOTHING, rollup) })
  }
  const entries = [...added].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  const w = entries.map(({ line }) => line)
  await session.transaction(async (statements) => {
    await statements.run(NEW_ROLLUPS, { w })
    const rows = (await statements.rows(LOCK_ROLLUPS, { w })).map(rollupOf)
    const stored = new Map(rows.map((row) => [JSON.stringify(lineOf(row)), row]))
    const lines = entries.map(({ line, sums }) => {
      const { counters, histogram } = sumOf(stored.get(JSON.stringify(line)) ?? NOTHING, sums)
      return [...line, JSON.stringify(counters), JSON.stringify(histogram)]
    })
    await statements.run(WRITE_ROLLUPS, { w: lines })
  })
}

const READ_ROLLUPS =
  'select r.* from {rollups} r where r.bucket_ms = :bucket and r.bucket_at >= :since and r.bucket_at < :until'
const READ_ROLLUPS_OF = `
  select r.* from {rows w: tenant_id text} join {rollups} r on r.tenant_id = w.tenant_id
  where r.bucket_ms = :bucket and r.bucket_at >= :since and r.bucket_at < :until`
const READ_ROLLUPS_OF_ONE = `${READ_ROLLUPS_OF} and r.subscription_id = :subscription`

/** `Store.readRollups`. The slot of a sum is empty. */
export async function readRollups(
  statements: Statements,
  filter: {
    readonly tenant: TenantFilter
    readonly subscriptionId?: string
    readonly bucketMs: number
    readonly since: number
    readonly until: number
  },
): Promise<readonly RollupRecord[]> {
  const range = { bucket: filter.bucketMs, since: Math.ceil(filter.since), until: Math.ceil(filter.until) }
  const { tenant, subscriptionId } = filter
  const tenants =
    typeof tenant === 'string' ? [tenant] : tenant === anyTenant ? [] : (tenant as readonly string[])
  const rows =
    tenant === anyTenant
      ? await statements.rows(READ_ROLLUPS, range)
      : await statements.rows(subscriptionId === undefined ? READ_ROLLUPS_OF : READ_ROLLUPS_OF_ONE, {
          ...range,
          w: [...new Set(tenants)].map((one) => [one]),
          ...(subscriptionId === undefined ? {} : { subscription: subscriptionId }),
        })
  const sums = new Map<string, RollupRecord>()
  for (const rollup of rows.map(rollupOf)) {
    if (subscriptionId !== undefined && rollup.subscriptionId !== subscriptionId) continue
    const key = JSON.stringify(lineOf({ ...rollup, slot: '' }))
    sums.set(key, { ...rollup, slot: '', ...sumOf(sums.get(key) ?? NOTHING, rollup) })
  }
  return [...sums.values()]
}

const OLD_ROLLUPS = (dialect: Dialect) => `
  select ${NAMES} from {rollups} where bucket_ms = :bucket and bucket_at < :before limit :count ${dialect.skipLocked}`
const REMOVE_ROLLUPS = (dialect: Dialect) =>
  dialect.remove({ table: '{rollups}', alias: 'r', from: `{rows w: ${KEY}}`, on: SAME })

/** `Store.pruneRollups`. */
export function pruneRollups(
  session: Session,
  { bucketMs, ageMs, limit }: { readonly bucketMs: number; readonly ageMs: number; readonly limit: number },
): Promise<number> {
  return session.transaction(async (statements) => {
    const before = Math.ceil((await statements.now()) / 1000 - ageMs)
    const rows = await statements.rows(OLD_ROLLUPS, { bucket: bucketMs, before, count: limit })
    if (rows.length === 0) return 0
    return statements.run(REMOVE_ROLLUPS, { w: rows.map((row) => lineOf(rollupOf(row))) })
  })
}

/** True of an event whose deliveries have all ended at or before an instant. */
const FINISHED = `e.published_at <= :before and e.due_at <= :before
  and not exists (select 1 from {queue} q where q.tenant_id = e.tenant_id and q.event_id = e.id)
  and not exists (select 1 from {deliveries} d where d.tenant_id = e.tenant_id and d.event_id = e.id
    and (d.ended_at is null or d.ended_at > :before))`
const oldest = (and: string): Oldest => ({
  take: (dialect) => `
    select e.tenant_id, e.id from {events} e where ${FINISHED} ${and} order by e.published_at limit :count
    ${dialect.locksOnTheWay ? '' : dialect.skipLocked}`,
  again: `select e.tenant_id, e.id from {rows w: tenant_id text, id text}
    join {events} e on e.tenant_id = w.tenant_id and e.id = w.id where ${FINISHED} ${and}`,
})
const FINISHED_EVENTS = oldest('')
const WITH_BODY = oldest('and e.body is not null')
const WITH_KEY = oldest('and e.idempotency_key is not null and e.published_at <= :old')
/** By their ids, as a redeliver and a replay lock them, and with nothing else in the statement; without those that others have. */
export const LOCK_FREE_EVENTS = (dialect: Dialect) => `
  select e.tenant_id, e.id from {rows w: tenant_id text, id text}
  join {events} e ${dialect.useIndex('events_id')} on e.tenant_id = w.tenant_id and e.id = w.id ${dialect.skipLocked}`

/** The oldest events of a kind: one statement that also locks them, and the same question about some that are locked by now. */
interface Oldest {
  readonly take: Template
  readonly again: Template
}

/** Locks up to :count of the oldest, leaving out what others have locked; none of them may be owed anything under that lock. */
async function locked(statements: Statements, { take, again }: Oldest, values: Values): Promise<string[][]> {
  const found = idsOf(await statements.rows(take, values))
  const { locksOnTheWay, oneWriter } = statements.dialect
  if (oneWriter || found.length === 0) return found
  const w = locksOnTheWay ? idsOf(await statements.rows(LOCK_FREE_EVENTS, { w: found.sort(byId) })) : found
  // Who had the lock before may have queued something since the statement began that found them.
  return w.length === 0 ? w : idsOf(await statements.rows(again, { ...values, w }))
}

const byId = ([tenant = '', id = '']: string[], [other = '', than = '']: string[]): number =>
  tenant < other ? -1 : tenant > other ? 1 : id < than ? -1 : 1

const EVENTS = '{rows w: tenant_id text, id text}'
const OF_EVENTS = `${EVENTS} join {deliveries} d on d.tenant_id = w.tenant_id and d.event_id = w.id`
/** Deliveries and attempts are found without a lock and changed by their ids, as those change them that record outcomes. */
const SOME_DELIVERIES = `select d.tenant_id, d.id from ${OF_EVENTS} limit 1000`
const SOME_BODIES = `select d.tenant_id, d.id from ${OF_EVENTS} where d.body is not null limit 1000`
const SOME_EXCERPTS = `
  select d.tenant_id, d.id from ${OF_EVENTS} where exists (select 1 from {attempts} a
    where a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.excerpt is not null) limit 1000`
const IDS = { alias: 'x', from: EVENTS, on: 'x.tenant_id = w.tenant_id and x.id = w.id' } as const
const deliveries = { ...IDS, table: '{deliveries}', index: 'deliveries_id' } as const
const events = { ...IDS, table: '{events}', index: 'events_id' } as const
const attempts = {
  ...{ ...IDS, table: '{attempts}', index: 'primary' },
  on: 'x.tenant_id = w.tenant_id and x.delivery_id = w.id',
} as const
const REMOVE_ATTEMPTS = (dialect: Dialect) => dialect.remove(attempts)
const REMOVE_DELIVERIES = (dialect: Dialect) => dialect.remove(deliveries)
const REMOVE_EVENTS = (dialect: Dialect) => dialect.remove(events)
const EMPTY_EVENTS = (dialect: Dialect) => dialect.update(events, { body: 'null' })
const EMPTY_DELIVERIES = (dialect: Dialect) => dialect.update(deliveries, { body: 'null' })
const EMPTY_ATTEMPTS = (dialect: Dialect) => dialect.update(attempts, { excerpt: 'null' })
const FREE_KEYS = (dialect: Dialect) => dialect.update(events, { idempotency_key: 'null' })

const idsOf = (rows: readonly Row[]) => rows.map((row) => [text(row.tenant_id), text(row.id)])

async function removeEvents(statements: Statements, w: string[][]): Promise<void> {
  if (w.length === 0) return
  await inParts(statements, SOME_DELIVERIES, [REMOVE_ATTEMPTS, REMOVE_DELIVERIES], w)
  await statements.run(REMOVE_EVENTS, { w })
}

async function emptyEvents(statements: Statements, w: string[][]): Promise<void> {
  if (w.length === 0) return
  await statements.run(EMPTY_EVENTS, { w })
  await inParts(statements, SOME_BODIES, [EMPTY_DELIVERIES], w)
  await inParts(statements, SOME_EXCERPTS, [EMPTY_ATTEMPTS], w)
}

/** Changes what is found of these events until nothing more is. */
async function inParts(
  statements: Statements,
  find: Template,
  changes: readonly Template[],
  w: string[][],
): Promise<void> {
  const next = async () => idsOf(await statements.rows(find, { w })).sort(byId)
  for (let ids = await next(); ids.length > 0; ids = await next())
    for (const template of changes) await statements.run(template, { w: ids })
}

/** `Store.prune`. */
export function prune(
  session: Session,
  { finishedAgeMs, bodyAgeMs, keyAgeMs, limit }: PruneRequest,
): Promise<{ readonly events: number; readonly bodies: number; readonly keys: number }> {
  return session.transaction(async (statements) => {
    const now = await statements.now()
    const counts = { events: 0, bodies: 0, keys: 0 }
    const room = () => limit - counts.events - counts.bodies - counts.keys
    if (finishedAgeMs !== undefined && room() > 0) {
      const before = now - toMicros(finishedAgeMs)
      const w = await locked(statements, FINISHED_EVENTS, { before, count: room() })
      await removeEvents(statements, w)
      counts.events = w.length
    }
    if (bodyAgeMs !== undefined && room() > 0) {
      const before = now - toMicros(bodyAgeMs)
      const w = await locked(statements, WITH_BODY, { before, count: room() })
      await emptyEvents(statements, w)
      counts.bodies = w.length
    }
    if (keyAgeMs !== undefined && room() > 0) {
      const values = { old: now - toMicros(keyAgeMs), before: now, count: room() }
      const w = await locked(statements, WITH_KEY, values)
      if (w.length > 0) await statements.run(FREE_KEYS, { w })
      counts.keys = w.length
    }
    return counts
  })
}

/** Paces first, as a release locks them. */
const ERASED = ['paces', 'queue', 'rollups', 'subscriptions'].map(
  (table) => `delete from {${table}} where tenant_id = :tenant`,
)
const SOME_EVENTS =
  'select tenant_id, id from {events} where tenant_id = :tenant order by tenant_id, id limit :count'
const LEFT = 'select id from {events} where tenant_id = :tenant limit 1'
const FORGET = 'delete from {tenants} where tenant_id = :tenant'

/** `Store.eraseTenant`. */
export function eraseTenant(session: Session, tenant: string, limit: number): Promise<boolean> {
  return session.transaction(async (statements) => {
    for (const template of ERASED) await statements.run(template, { tenant })
    await removeEvents(statements, idsOf(await statements.rows(SOME_EVENTS, { tenant, count: limit })))
    const left = await statements.rows(LEFT, { tenant })
    if (left.length > 0) {
      await statements.run(BUMP, { tenant })
      return false
    }
    await statements.run(FORGET, { tenant })
    return true
  })
}
