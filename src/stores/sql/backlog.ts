/**
 * `Store.backlog`. Of all tenants, and of one subscription, it reads no more than 10,000 rows of a kind, by index: health checks
 * ask for it just when millions wait. Above that it tells what the planner takes them for; where there is no planner to ask, it counts.
 */
import { anyTenant } from '../../model.ts'
import type { TenantFilter } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { instant, instantOrNull, number, toMs } from './rows.ts'
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

const COUNTS = `
  count(case when stage = 1 then 1 end) as held,
  count(case when stage <> 1 and due_at > c.now then 1 end) as scheduled,
  count(case when stage <> 1 and due_at <= c.now then 1 end) as due,
  min(case when stage <> 1 and due_at <= c.now then due_at end) as oldest
  from {queue} q cross join (select {now} as now) c`
/** Of some tenants all that they have in the queue is counted. */
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
  if (typeof tenant === 'string' && subscriptionId !== undefined)
    return bounded(statements, LOOKS.lane, { tenant, subscription })
  const tenants = typeof tenant === 'string' ? [tenant] : [...new Set(tenant as readonly string[])]
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
  const [row] = await statements.rows(first, values)
  const now = number(row?.now)

  async function count(kind: Kind): Promise<number> {
    const seen = number(row?.[kind] ?? 0)
    if (seen <= EXACT) return seen
    const { planned } = statements.dialect
    if (planned !== null) {
      // An engine that only speaks like Postgres may not explain like it.
      const answer = await statements.rows(estimated[kind], { ...values, now }).catch(() => null)
      if (answer !== null) return Math.max(seen, planned.rowsOf(answer[0] ?? {}))
    }
    const [answer] = await statements.rows(counted[kind], { ...values, now })
    return number(answer?.n)
  }

  const [due, scheduled, held] = [await count('due'), await count('scheduled'), await count('held')]
  const oldest = [row?.first_due, row?.first_suspect]
    .flatMap((one) => (one === null || one === undefined ? [] : instant(one)))
    .filter((one) => one <= toMs(now))
  return {
    due: due + number(row?.suspects_due ?? 0),
    scheduled: scheduled + number(row?.suspects_scheduled ?? 0),
    held,
    oldestDueAt: oldest.length === 0 ? null : Math.min(...oldest),
  }
}
