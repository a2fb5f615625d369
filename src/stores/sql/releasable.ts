/**
 * Which held rows may go. Where order is kept that is the first of each line: of the subscription's, or of each ordering key's. The
 * pace rows keep two releases of a subscription apart, so what is found first stays first, and needs no lock while it is looked for.
 */
import type { ReleaseRequest } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { lockFound, lockPlaces } from './lock-found.ts'
import { KIND, LINE, number, STAGE } from './rows.ts'
import type { Row, Statements } from './session.ts'

const LANE = 'q.tenant_id = :tenant and q.subscription_id = :subscription'
const COLUMNS = 'q.tenant_id, q.event_id, q.id, q.stage, q.due_at, q.sequence'
const HELD = `select ${COLUMNS} from {queue} q where q.stage = 1 and ${LANE}`
const ORDER = 'order by q.due_at, q.sequence'

/** The first held rows of a lane, locked, or to be locked by `lockFound`. */
export const LOCK_ANY = (dialect: Dialect) => `${HELD} ${ORDER} limit :count ${dialect.lockFound}`
/** Those of one kind that wait for no ordering key. */
export const HELD_BESIDE_KEYS = [LINE.none, LINE.keyless].map(
  (line) => `${HELD} and q.in_order = ${line} and q.in_order <> ${LINE.ofKey} ${ORDER} limit :count`,
)

const BEFORE =
  '(o.position_at < q.position_at or (o.position_at = q.position_at and o.sequence < q.sequence))'
/**
 * True when nothing open goes before it in a lane: its own, or the tenant's events. Asked whether there is anything Postgres supposes
 * that a scan of the table finds something soon, and reads hundreds of pages of what has been sent; asked for the first it follows an index.
 */
function noneOpenBefore(dialect: Dialect, subscription: string, kind: number): string {
  const conditions = [STAGE.due, STAGE.suspect].map((stage) => {
    const open = `{queue} o ${dialect.useIndex('queue_lanes')} where o.stage = ${stage} and o.tenant_id = q.tenant_id
      and o.subscription_id = ${subscription} and o.kind = ${kind} and o.in_order <> ${LINE.none} and ${BEFORE}`
    const first = `select o.id from ${open} order by o.tenant_id, o.subscription_id, o.due_at, o.sequence limit 1`
    return `not exists (${dialect.lateral ? `select 1 from (${first}) o` : `select 1 from ${open}`})`
  })
  return conditions.join(' and ')
}
/** The lane's first row, unless something open goes before it. */
export const HELD_FIRST = (dialect: Dialect) => `
  select ${COLUMNS} from (
    select h.* from {queue} h ${dialect.useIndex('queue_lanes')}
    where h.stage = 1 and h.tenant_id = :tenant and h.subscription_id = :subscription and h.in_order <> ${LINE.none}
    order by h.due_at, h.sequence limit 1
  ) q where ${noneOpenBefore(dialect, 'q.subscription_id', KIND.delivery)} and ${noneOpenBefore(dialect, "''", KIND.event)}`

/** The same of what has its key, open or held. */
function nothingBefore(dialect: Dialect, subscription: string, kind: number): string {
  const lane = `{queue} o ${dialect.useIndex('queue_order')} where o.tenant_id = q.tenant_id and o.subscription_id = ${subscription}
    and o.ordering_key = q.ordering_key and o.kind = ${kind} and o.in_order = ${LINE.ofKey}`
  if (!dialect.lateral) return `not exists (select 1 from ${lane} and ${BEFORE})`
  const lowest = `select o.position_at, o.sequence from ${lane} order by o.position_at, o.sequence limit 1`
  return `not exists (select 1 from (${lowest}) o where ${BEFORE})`
}
const noEventBefore = (dialect: Dialect) => nothingBefore(dialect, "''", KIND.event)

/** A line for each of the first `count` keys of a lane: the first row of the key, and whether it may go. */
const firstOfKeys = (dialect: Dialect, count: number) => {
  const lane = `${LANE} and q.ordering_key = k.ordering_key and q.in_order = ${LINE.ofKey}
    order by q.position_at, q.sequence limit 1`
  const free = `case when q.stage = 1 and ${noEventBefore(dialect)} then 1 else 0 end as free`
  if (dialect.lateral)
    return `select ${COLUMNS}, ${free} from (${dialect.laneKeys(count)}) k left join lateral (
      select ${COLUMNS}, q.position_at, q.ordering_key from {queue} q where ${lane}) q on true`
  return `select ${COLUMNS}, ${free}
    from (select (select q.id from {queue} q ${dialect.useIndex('queue_order')} where ${lane}) as id from (${dialect.laneKeys(count)}) k) k
    left join {queue} q on q.id = k.id`
}
const FEW_KEYS = 128
const ALL_KEYS = 1_000_000_000
/** See `firstOfKeys`. */
export const FIRST_OF_FEW_KEYS = (dialect: Dialect) => firstOfKeys(dialect, FEW_KEYS)
/** Of all keys, those that may go. */
export const FIRST_OF_ALL_KEYS = (dialect: Dialect) =>
  `select * from (${firstOfKeys(dialect, ALL_KEYS)}) q where q.free = 1 ${ORDER} limit :count`

/**
 * The first `size` held rows of a lane, and whether each may go. MySQL knows nothing yet of a table that was empty a minute ago, and would
 * read all that is held for the first few of it.
 */
const firstHeld = (size: number) => (dialect: Dialect) =>
  `
  select ${COLUMNS}, case when q.in_order <> ${LINE.ofKey} then 1
    when ${nothingBefore(dialect, ':subscription', KIND.delivery)} and ${noEventBefore(dialect)} then 1 else 0 end as free
  from (
    select h.* from {queue} h ${dialect.useIndex('queue_lanes')}
    where h.stage = 1 and h.tenant_id = :tenant and h.subscription_id = :subscription
    order by h.due_at, h.sequence limit ${size}
  ) q ${ORDER}`
/** Of a lane that is no longer each of its rows is looked at: there may be many keys, and few of them with anything held. */
export const SHORT_LANE = 256
/** See `firstHeld`. */
export const ALL_OF_SHORT_LANE = firstHeld(SHORT_LANE)
const WINDOW = 1_000
/** See `firstHeld`. */
export const FIRST_OF_LONG_LANE = firstHeld(WINDOW)

/** `count`: rows at most. */
type Room = { readonly tenant: string; readonly subscription: string; readonly count: number }

/** The held rows that may go, lowest position first, locked. `held`: how many there are, counted to one more than a short lane has. */
export async function releasable(
  statements: Statements,
  { tenantId: tenant, subscriptionId: subscription, ordering }: ReleaseRequest,
  held: number,
  count: number,
): Promise<readonly Row[]> {
  const room = { tenant, subscription, count }
  if (ordering === 'none') {
    const found = await statements.rows(LOCK_ANY, room)
    return heldStill(await lockFound(statements, found))
  }
  const found = await (ordering === 'key' ? firstOfKeysAndOthers : firstOfAll)(statements, room, held)
  return heldStill(await lockPlaces(statements, found.sort(byPosition).slice(0, count)))
}

const [OUTSIDE_ORDER = '', KEYLESS = ''] = HELD_BESIDE_KEYS

async function firstOfAll(statements: Statements, room: Room): Promise<Row[]> {
  return [...(await statements.rows(OUTSIDE_ORDER, room)), ...(await statements.rows(HELD_FIRST, room))]
}

/** By rows where few are held, else by keys where these are few, else by rows again where the first are enough. */
async function firstOfKeysAndOthers(statements: Statements, room: Room, held: number): Promise<Row[]> {
  if (held <= SHORT_LANE) return (await statements.rows(ALL_OF_SHORT_LANE, room)).filter(isFree)
  const keys = await statements.rows(FIRST_OF_FEW_KEYS, room)
  if (keys.length < FEW_KEYS) return [...keys.filter(isFree), ...(await besideKeys(statements, room))]
  const near = await statements.rows(FIRST_OF_LONG_LANE, room)
  const free = near.filter(isFree)
  if (near.length < WINDOW || free.length >= room.count) return free
  return [...(await statements.rows(FIRST_OF_ALL_KEYS, room)), ...(await besideKeys(statements, room))]
}

async function besideKeys(statements: Statements, room: Room): Promise<readonly Row[]> {
  return [...(await statements.rows(OUTSIDE_ORDER, room)), ...(await statements.rows(KEYLESS, room))]
}

const isFree = ({ free }: Row): boolean => number(free) === 1

/** What is due of a held row is its position. */
const byPosition = (a: Row, b: Row): number =>
  number(a.due_at) - number(b.due_at) || number(a.sequence) - number(b.sequence)

/** Of rows that were found without a lock, those that are held still. */
const heldStill = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ stage }) => number(stage) === STAGE.held)
