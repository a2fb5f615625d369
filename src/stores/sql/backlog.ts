/**
 * `Store.backlog`. Of all tenants, of one tenant and of one subscription it reads no more than 10,000 rows of a kind, by index: health
 * checks ask for it just when millions wait. Above that it tells what the planner takes them for; where there is no planner to ask,
 * it counts, and so it does for several tenants at once and for a tenant with many subscriptions that wait.
 */

import type { TenantFilter } from '../../lists.ts'
import { anyTenant } from '../../model.ts'
import type { Dialect } from './dialect.ts'
import { instant, instantOrNull, number, text } from './rows.ts'
import type { Row, Statements, Template } from './session.ts'
import type { Values } from './template.ts'

/** What waits; a claimed row counts by its due time, since it is not done yet. */
export interface Backlog {
  readonly due: number
  readonly scheduled: number
  readonly held: number
  /** Of what is due. */
  readonly oldestDueAt: number | null
}

/** How many rows of a kind are counted. */
export const EXACT = 10_000

const KINDS = ['due', 'scheduled', 'held'] as const
type Kind = (typeof KINDS)[number]

/** What is looked at by index: the condition that every kind has, and the rest of the order of its index. */
interface Scope {
  readonly where: string
  readonly heldOrder: string
  readonly index: { readonly due: string; readonly held: string }
}
const ALL: Scope = {
  where: '',
  heldOrder: 'tenant_id, subscription_id, due_at',
  index: { due: 'queue_due', held: 'queue_lanes' },
}
const LANE: Scope = {
  where: 'and tenant_id = :tenant and subscription_id = :subscription',
  heldOrder: 'due_at',
  index: { due: 'queue_lanes', held: 'queue_lanes' },
}

/** The rows of a kind, by an instant: `{now}`, or a value that a planner may look at. */
const rowsOf =
  (kind: Kind, { where, index }: Scope, now: string) =>
  (dialect: Dialect) => {
    const stage = kind === 'held' ? 1 : 0
    const when = kind === 'held' ? '' : ` and due_at ${kind === 'due' ? '<=' : '>'} ${now}`
    return `from {queue} ${dialect.useIndex(kind === 'held' ? index.held : index.due)} where stage = ${stage} ${where}${when}`
  }

/** Up to one more than is counted. Suspects are few: rows that were in the hands of killed processes. */
const look = (scope: Scope) => (dialect: Dialect) => {
  const some = (kind: Kind) => {
    const order = kind === 'held' ? scope.heldOrder : 'due_at'
    const rows = rowsOf(kind, scope, '{now}')(dialect)
    return `(select count(*) from (select due_at ${rows} order by ${order} ${dialect.limitByIndex(EXACT + 1)}) seen) as ${kind}`
  }
  const suspects = `from {queue} where stage = 2 ${scope.where}`
  return `
    select c.now, ${KINDS.map(some).join(', ')},
      (select min(due_at) from {queue} where stage = 0 ${scope.where}) as first_due,
      (select min(due_at) ${suspects}) as first_suspect,
      (select count(*) ${suspects} and due_at <= {now}) as suspects_due,
      (select count(*) ${suspects} and due_at > {now}) as suspects_scheduled
    from (select {now} as now) c`
}

const looks = (scope: Scope) => {
  const estimated = (kind: Kind) => (dialect: Dialect) =>
    `${dialect.planned?.explain} select due_at ${rowsOf(kind, scope, ':now')(dialect)}`
  const counted = (kind: Kind) => (dialect: Dialect) =>
    `select count(*) as n ${rowsOf(kind, scope, ':now')(dialect)}`
  const each = (template: (kind: Kind) => Template) =>
    Object.fromEntries(KINDS.map((kind) => [kind, template(kind)])) as Record<Kind, Template>
  return { first: look(scope), estimated: each(estimated), counted: each(counted) }
}

/** The statements for all tenants, and for a subscription. */
export const LOOKS = { all: looks(ALL), lane: looks(LANE) }

/** The index of a tenant's rows goes by subscription: what is due and what is scheduled lie among each other. */
const OF_TENANT = 'where stage = 0 and tenant_id = :tenant'
const HELD_OF_TENANT = 'where stage = 1 and tenant_id = :tenant'
const byLane = (dialect: Dialect) => dialect.useIndex('queue_lanes')

/** A tenant's rows, up to one more than is counted. */
export const LOOK_AT_TENANT = (dialect: Dialect) => {
  const some = (where: string) =>
    `(select due_at from {queue} ${byLane(dialect)} ${where} order by subscription_id, due_at ${dialect.limitByIndex(EXACT + 1)})`
  const suspects = 'from {queue} where stage = 2 and tenant_id = :tenant'
  return `
    select c.now, q.n, q.due, q.oldest, (select count(*) from ${some(HELD_OF_TENANT)} h) as held,
      (select min(due_at) ${suspects}) as first_suspect,
      (select count(*) ${suspects} and due_at <= {now}) as suspects_due,
      (select count(*) ${suspects} and due_at > {now}) as suspects_scheduled
    from (select {now} as now) c cross join (
      select count(*) as n, count(case when due_at <= {now} then 1 end) as due, min(due_at) as oldest from ${some(OF_TENANT)} seen
    ) q`
}
const HELD_IN_ALL = {
  estimated: (dialect: Dialect) =>
    `${dialect.planned?.explain} select due_at from {queue} ${byLane(dialect)} ${HELD_OF_TENANT}`,
  counted: (dialect: Dialect) => `select count(*) as n from {queue} ${byLane(dialect)} ${HELD_OF_TENANT}`,
}
/** Above the bound a tenant's subscriptions are looked at one by one, if they are no more than so many. */
const LANES = 64
const NEXT_LANES = (dialect: Dialect) => dialect.nextLanes(LANES + 1, 0)

const COUNTS = `
  count(case when stage = 1 then 1 end) as held,
  count(case when stage <> 1 and due_at > c.now then 1 end) as scheduled,
  count(case when stage <> 1 and due_at <= c.now then 1 end) as due,
  min(case when stage <> 1 and due_at <= c.now then due_at end) as oldest
  from {queue} q cross join (select {now} as now) c`
/** Of several tenants all that they have in the queue is counted. */
const OF_TENANTS = `select ${COUNTS} join {rows w: tenant_id text} on w.tenant_id = q.tenant_id`
const IN_LANE = 'where q.subscription_id = :subscription'
const OF_LANES = `${OF_TENANTS} ${IN_LANE}`
const OF_ANY_LANE = `select ${COUNTS} ${IN_LANE}`

/** See the file's header. */
export async function backlog(
  statements: Statements,
  { tenant, subscriptionId }: { readonly tenant: TenantFilter; readonly subscriptionId?: string },
): Promise<Backlog> {
  const subscription = subscriptionId ?? ''
  if (tenant === anyTenant) {
    if (subscriptionId === undefined) return bounded(statements, LOOKS.all, {})
    return whole(await statements.rows(OF_ANY_LANE, { subscription }))
  }
  if (typeof tenant === 'string') {
    if (subscriptionId === undefined) return ofTenant(statements, tenant)
    return bounded(statements, LOOKS.lane, { tenant, subscription })
  }
  const tenants = [...new Set(tenant as readonly string[])]
  const w = tenants.map((one) => [one])
  return whole(
    await statements.rows(subscriptionId === undefined ? OF_TENANTS : OF_LANES, { w, subscription }),
  )
}

function whole([row]: readonly Row[]): Backlog {
  const [due, scheduled, held] = KINDS.map((kind) => number(row?.[kind] ?? 0))
  return {
    due: due ?? 0,
    scheduled: scheduled ?? 0,
    held: held ?? 0,
    oldestDueAt: instantOrNull(row?.oldest ?? null),
  }
}

async function bounded(
  statements: Statements,
  { first, estimated, counted }: (typeof LOOKS)['all'],
  values: Values,
): Promise<Backlog> {
  const [row = {}] = await statements.rows(first, values)
  const now = number(row.now)
  const count = (kind: Kind) =>
    total(
      statements,
      number(row[kind]),
      { estimated: estimated[kind], counted: counted[kind] },
      { ...values, now },
    )
  const [due, scheduled, held] = [await count('due'), await count('scheduled'), await count('held')]
  return withSuspects(row, { due, scheduled, held }, row.first_due)
}

async function ofTenant(statements: Statements, tenant: string): Promise<Backlog> {
  const [row = {}] = await statements.rows(LOOK_AT_TENANT, { tenant })
  const [seen, due] = [number(row.n), number(row.due)]
  const held = await total(statements, number(row.held), HELD_IN_ALL, { tenant })
  if (seen <= EXACT) return withSuspects(row, { due, scheduled: seen - due, held }, row.oldest)
  const lanes = await lanesOf(statements, tenant)
  if (lanes === null) return whole(await statements.rows(OF_TENANTS, { w: [[tenant]] }))
  const each: Backlog[] = []
  for (const subscription of lanes) each.push(await bounded(statements, LOOKS.lane, { tenant, subscription }))
  const oldest = each.flatMap(({ oldestDueAt }) => oldestDueAt ?? [])
  return {
    due: sum(each.map((lane) => lane.due)),
    scheduled: sum(each.map((lane) => lane.scheduled)),
    held,
    oldestDueAt: oldest.length === 0 ? null : least(oldest),
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0)
const least = (numbers: readonly number[]) => numbers.reduce((one, other) => Math.min(one, other))

/** The tenant's subscriptions with something due or scheduled, that of its events first; null when they are too many. */
async function lanesOf(statements: Statements, tenant: string): Promise<readonly string[] | null> {
  const rows = await statements.rows(NEXT_LANES, { tenant, subscription: '' })
  const own = rows.filter((row) => text(row.tenant_id) === tenant).map((row) => text(row.subscription_id))
  return own.length > LANES ? null : ['', ...own]
}

/** How many there are of which so many were seen: these, an estimate, or a count. */
async function total(
  statements: Statements,
  seen: number,
  { estimated, counted }: { readonly estimated: Template; readonly counted: Template },
  values: Values,
): Promise<number> {
  if (seen <= EXACT) return seen
  const { planned } = statements.dialect
  if (planned !== null) {
    // An engine that only speaks like Postgres may not explain like it.
    const answer = await statements.rows(estimated, values).catch(() => null)
    if (answer !== null) return Math.max(seen, planned.rowsOf(answer[0] ?? {}))
  }
  const [answer] = await statements.rows(counted, values)
  return number(answer?.n)
}

function withSuspects(
  row: Row,
  { due, scheduled, held }: { readonly due: number; readonly scheduled: number; readonly held: number },
  firstDue: unknown,
): Backlog {
  const now = instant(row.now)
  const oldest = [firstDue, row.first_suspect]
    .flatMap((one) => (one === null || one === undefined ? [] : instant(one)))
    .filter((one) => one <= now)
  return {
    due: due + number(row.suspects_due),
    scheduled: scheduled + number(row.suspects_scheduled),
    held,
    oldestDueAt: oldest.length === 0 ? null : least(oldest),
  }
}
