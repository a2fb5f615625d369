/** Fills the tables so that a planner has something to choose: many tenants, one flooding tenant, little due, much scheduled and held. */
import type { Dialect } from '../../../src/stores/sql/dialect.ts'
import type { Parameter } from '../../../src/stores/sql/executor.ts'
import { ATTEMPT, DELIVERY, names } from '../../../src/stores/sql/record-statements.ts'
import { compile } from '../../../src/stores/sql/template.ts'

/** Runs a statement of the test's own. */
export type Run = (sql: string, parameters: readonly Parameter[]) => Promise<unknown>
type Cell = string | number | null

const NOW = 1_700_000_000_000_000
const CHUNK = 5_000
/** Rows of each kind. */
export const ROWS = 20_000
/** Rows of one tenant that floods. */
const FLOOD = ROWS / 2

/** The n-th tenant; half of all rows are one tenant's. */
const tenantOf = (n: number): string => (n < FLOOD ? 'flood' : `tenant-${n % 400}`)
const subscriptionOf = (n: number): string => `sub-${n % 7}`

const EVENT = `sequence bigint, tenant_id text, id text, type text, test bigint, skipped bigint, occurred_at bigint,
  published_at bigint, due_at bigint`
const QUEUE = `tenant_id text, event_id text, stage bigint, kind bigint, bucket bigint, subscription_id text, delivery_id text,
  cause text, due_at bigint, position_at bigint, sequence bigint, ordering_key text, expires_at bigint, released bigint, in_order bigint,
  lease_until bigint, resumed bigint, claims bigint, lost_alone bigint, claims_before bigint, lost_alone_before bigint`

const event = (n: number): Cell[] => [
  ...[n + 1, tenantOf(n), `evt-${n}`, 'order.paid', 0, 0, NOW - n * 1000, NOW - n * 1000, NOW - n * 1000],
]
const delivery = (n: number): Cell[] => [
  ...[
    tenantOf(n),
    `dlv-${n}`,
    `evt-${n}`,
    'order.paid',
    subscriptionOf(n),
    null,
    null,
    null,
    'succeeded',
    null,
    0,
  ],
  ...[1, 0, 200, null, NOW - n * 1000, NOW, NOW - n * 1000, NOW + 1_000_000],
]
const attempt = (n: number): Cell[] => [
  ...[
    tenantOf(n),
    `att-${n}`,
    `dlv-${n}`,
    `evt-${n}`,
    'order.paid',
    subscriptionOf(n),
    1,
    'event',
    'https://x.test/',
  ],
  ...[NOW - n * 1000, 5000, 'succeeded', 200, null, null, null, 0, 0, 0],
]
/** A third due, a third scheduled, a third held. */
const queued = (n: number): Cell[] => {
  const stage = n % 3 === 2 ? 1 : 0
  const dueAt = n % 3 === 0 ? NOW - n * 1000 : NOW + n * 1000
  const isEvent = n % 3 === 0 && n % 2 === 0
  const owner = isEvent ? '' : subscriptionOf(n)
  const key = n % 4 === 0 ? `key-${n % 200}` : null
  return [
    ...[
      tenantOf(n),
      `evt-${n}`,
      stage,
      Number(!isEvent),
      n % 256,
      owner,
      isEvent ? null : `dlv-${n}`,
      'event',
      dueAt,
    ],
    ...[dueAt, n, key, NOW + n * 10_000_000, 0, key === null ? 2 : 1, 0, 0, 0, 0, 0, 0],
  ]
}

/** Fills the tables of a migrated store. */
export async function fillTables(run: Run, dialect: Dialect, table: (name: string) => string): Promise<void> {
  const extra = dialect.schema.numberIsKey ? ', append_id' : ''
  const value = dialect.schema.numberIsKey ? ', 0' : ''
  const fills: readonly (readonly [string, (n: number) => Cell[]])[] = [
    [
      `insert into {events} (${names(EVENT)}${extra}) select ${names(EVENT)}${value} from {rows w: ${EVENT}}`,
      event,
    ],
    [
      `insert into {deliveries} (${names(DELIVERY)}) select ${names(DELIVERY)} from {rows w: ${DELIVERY}}`,
      delivery,
    ],
    [
      `insert into {attempts} (${names(ATTEMPT)}) select ${names(ATTEMPT)} from {rows w: ${ATTEMPT}}`,
      attempt,
    ],
    [`insert into {queue} (${names(QUEUE)}) select ${names(QUEUE)} from {rows w: ${QUEUE}}`, queued],
  ]
  for (const [template, row] of fills) {
    const { sql, bind } = compile(template, dialect, table, true)
    for (let start = 0; start < ROWS; start += CHUNK)
      await run(sql, bind({ w: Array.from({ length: CHUNK }, (_, at) => row(start + at)) }))
  }
}

/** The instant around which the rows lie, in µs. */
export const FILLED_AT = NOW
