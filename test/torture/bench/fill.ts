/** Fills a big place by statements over numbers: no row comes from here. */
import type { BigPlace } from './big-place.ts'

const CHUNK = 250_000
const HOUR_US = 3_600_000_000

/** Rows, numbered from `first` on. */
export interface Rows {
  readonly first: number
  readonly count: number
  /** Expression of the instant in µs at which they were published, over n. */
  readonly at: string
}

/** The tenants: a quarter of all rows belongs to one of them. */
export const BIG_TENANT = 'flood'

const EVENT = 'sequence, tenant_id, id, type, body, test, skipped, occurred_at, published_at, due_at'
const DELIVERY = `tenant_id, id, event_id, event_type, subscription_id, state, test, attempt_count, round_start, last_status,
  created_at, updated_at, ended_at, expires_at`
const ATTEMPT = `tenant_id, id, delivery_id, event_id, event_type, subscription_id, number, cause, url, started_at, duration_us,
  outcome, status, may_have_been_received, after_lost_claim, late`
const QUEUE = `tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence,
  expires_at, released, in_order, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before`

/** `tenants`: among so many the other rows are shared out. */
export function filler(place: BigPlace, tenants: number) {
  const tenant = `case when n % 4 = 0 then '${BIG_TENANT}' else ${place.join('tenant-', `n % ${tenants}`)} end`
  const event = place.join('evt-', 'n')
  const delivery = place.join('dlv-', 'n')
  const subscription = place.join('sub-', 'n % 7')
  const body = `'{"type":"order.paid","data":{"text":"${'x'.repeat(200)}"}}'`
  const [appended, appendId] = place.dialect.schema.numberIsKey ? [', append_id', ', 0'] : ['', '']

  async function insert(
    table: string,
    columns: string,
    values: string,
    { first, count }: Rows,
  ): Promise<void> {
    for (let from = first; from < first + count; from += CHUNK) {
      const to = Math.min(from + CHUNK, first + count) - 1
      await place.rows(
        `insert into ${place.table(table)} (${columns}) select ${values} from ${place.series(from, to)}`,
      )
    }
  }

  return {
    events: (rows: Rows) =>
      insert(
        'events',
        EVENT + appended,
        `n, ${tenant}, ${event}, 'order.paid', ${body}, 0, 0, ${rows.at}, ${rows.at}, ${rows.at}${appendId}`,
        rows,
      ),
    /** Deliveries that succeeded at once, or wait for another try. */
    deliveries: (rows: Rows, state: 'succeeded' | 'pending') =>
      insert(
        'deliveries',
        DELIVERY,
        `${tenant}, ${delivery}, ${event}, 'order.paid', ${subscription}, '${state}', 0, 1, 0,
          ${state === 'pending' ? 500 : 200}, ${rows.at}, ${rows.at}, ${state === 'pending' ? 'null' : rows.at}, ${rows.at} + ${999 * HOUR_US}`,
        rows,
      ),
    /** The one attempt of each delivery. */
    attempts: (rows: Rows) =>
      insert(
        'attempts',
        ATTEMPT,
        `${tenant}, ${place.join('att-', 'n')}, ${delivery}, ${event}, 'order.paid', ${subscription}, 1, 'event',
          'https://receiver.example/', ${rows.at}, 5000, 'succeeded', 200, 0, 0, 0`,
        rows,
      ),
    /** Queue rows of deliveries that are tried again at `dueAt`; held ones have `stage` 1. */
    retries: (rows: Rows, dueAt: string, stage: 0 | 1 = 0) =>
      insert(
        'queue',
        QUEUE,
        `${tenant}, ${event}, ${stage}, 1, n % 256, ${subscription}, ${delivery}, 'retry', ${dueAt}, ${dueAt}, n,
          ${rows.at} + ${999 * HOUR_US}, 0, 2, 0, 0, 0, 0, 0, 0`,
        rows,
      ),
    /** Queue rows of events that nobody has looked at. */
    due: (rows: Rows) =>
      insert(
        'queue',
        QUEUE,
        `${tenant}, ${event}, 0, 0, n % 256, '', null, 'event', ${rows.at}, ${rows.at}, n, null, 0, 2, 0, 0, 0, 0, 0, 0`,
        rows,
      ),
  }
}
