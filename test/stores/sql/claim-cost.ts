/**
 * What a claim costs beside a long history, for the long tier: `npx tsx test/stores/sql/claim-cost.ts postgres|sqlite|mysql [finished
 * scheduled due]`, by default 5,000,000 finished deliveries, 1,000,000 scheduled rows and 100,000 due ones of 500 tenants.
 */
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from '@photostructure/sqlite'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { createSqliteFile } from '../../support/databases/sqlite.ts'
import { startMysql } from '../../support/databases/start-mysql.ts'
import { startPostgres } from '../../support/databases/start-postgres.ts'

const CLAIMS = 300
const LIMIT = 64
const CHUNK = 250_000
const HOUR = 3_600_000_000

/** A database to measure, and how it words the fill. */
interface Place {
  readonly store: SqlStore<never>
  run(sql: string): Promise<unknown>
  readonly table: (name: string) => string
  /** The numbers from `from` to `to`, as a source with the column n. */
  readonly series: (from: number, to: number) => string
  readonly join: (prefix: string, number: string) => string
  readonly extra: string
  readonly settle: readonly string[]
  close(): Promise<void>
}

const openers = {
  async postgres(): Promise<Place> {
    const server = await startPostgres({ settings: ['shared_buffers=512MB', 'max_wal_size=8GB'] })
    const pool = new pg.Pool({ connectionString: server.url, max: 4 })
    return {
      store: postgresStore({ client: pool, queryTimeoutMs: 600_000 }) as never,
      run: (sql) => pool.query(sql),
      table: (name) => `posthorn.${name}`,
      series: (from, to) => `generate_series(${from}, ${to}) as s(n)`,
      join: (prefix, number) => `'${prefix}' || (${number})`,
      extra: '',
      settle: ['vacuum analyze'],
      async close() {
        await pool.end()
        await server.stop()
      },
    }
  },
  async sqlite(): Promise<Place> {
    const file = await createSqliteFile()
    const client = new DatabaseSync(file.path)
    client.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -200000')
    return {
      store: sqliteStore({ client }) as never,
      run: async (sql) => client.exec(sql),
      table: (name) => `posthorn_${name}`,
      series: (from, to) =>
        `(with recursive s(n) as (select ${from} union all select n + 1 from s where n < ${to}) select n from s) s`,
      join: (prefix, number) => `'${prefix}' || (${number})`,
      extra: ', 0',
      settle: ['analyze'],
      async close() {
        client.close()
        await file.remove()
      },
    }
  },
  async mysql(): Promise<Place> {
    const server = await startMysql()
    const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
    await pool.query('set global innodb_buffer_pool_size = 1073741824')
    return {
      store: mysqlStore({ client: pool, queryTimeoutMs: 600_000 }) as never,
      run: (sql) => pool.query(sql),
      table: (name) => `posthorn_${name}`,
      series: (from, to) => `(select seq as n from seq_${from}_to_${to}) s`,
      join: (prefix, number) => `concat('${prefix}', ${number})`,
      extra: ', 0',
      settle: ['analyze table posthorn_queue, posthorn_events, posthorn_deliveries'],
      async close() {
        await pool.end()
        await server.stop()
      },
    }
  },
} as const

const [name = 'postgres', finished = '5000000', scheduled = '1000000', due = '100000'] = process.argv.slice(2)
const place = await openers[name as keyof typeof openers]()
await place.store.migrate()
const now = Math.round((await place.store.now()) * 1000)

/** Inserts `count` rows from number `first` on; the expressions may use n. */
async function fill(
  table: string,
  columns: string,
  values: string,
  first: number,
  count: number,
): Promise<void> {
  for (let from = first; from < first + count; from += CHUNK) {
    const to = Math.min(from + CHUNK, first + count) - 1
    await place.run(
      `insert into ${place.table(table)} (${columns}) select ${values} from ${place.series(from, to)}`,
    )
  }
}

const tenant = place.join('tenant-', 'n % 500')
const event = place.join('evt-', 'n')
const delivery = place.join('dlv-', 'n')
const subscription = place.join('sub-', 'n % 7')
const EVENT = `sequence, tenant_id, id, type, body, test, skipped, occurred_at, published_at, due_at${place.extra ? ', append_id' : ''}`
const DELIVERY = `tenant_id, id, event_id, event_type, subscription_id, state, test, attempt_count, round_start, last_status,
  created_at, updated_at, ended_at, expires_at`
const QUEUE = `tenant_id, event_id, stage, kind, bucket, subscription_id, delivery_id, cause, due_at, position_at, sequence,
  expires_at, released, in_order, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before`
const REST = '0, 1, 0, 0, 0, 0, 0, 0'

const events = (at: string) =>
  `n, ${tenant}, ${event}, 'order.paid', '{}', 0, 0, ${at}, ${at}, ${at}${place.extra}`
const begunAt = performance.now()
const [history, waiting, ready] = [Number(finished), Number(scheduled), Number(due)]
const old = `${now - 24 * HOUR} + n`
await fill(
  'deliveries',
  DELIVERY,
  `${tenant}, ${delivery}, ${event}, 'order.paid', ${subscription}, 'succeeded', 0, 1, 0, 200, ${old}, ${old}, ${old}, ${now}`,
  1,
  history,
)
const later = `${now + HOUR} + n * 1000`
await fill('events', EVENT, events(`${now - HOUR}`), history + 1, waiting + ready)
await fill(
  'deliveries',
  DELIVERY,
  `${tenant}, ${delivery}, ${event}, 'order.paid', ${subscription}, 'pending', 0, 1, 0, 500, ${old}, ${old}, null, ${now + 99 * HOUR}`,
  history + 1,
  waiting,
)
await fill(
  'queue',
  QUEUE,
  `${tenant}, ${event}, 0, 1, n % 256, ${subscription}, ${delivery}, 'retry', ${later}, ${later}, n, ${now + 99 * HOUR}, ${REST}`,
  history + 1,
  waiting,
)
await fill(
  'queue',
  QUEUE,
  `${tenant}, ${event}, 0, 0, n % 256, '', null, 'event', ${now - HOUR} + n, ${now - HOUR}, n, null, ${REST}`,
  history + waiting + 1,
  ready,
)
for (const sql of place.settle) await place.run(sql)
console.log(`${name}: filled in ${Math.round((performance.now() - begunAt) / 1000)} s`)

await place.store.open()
const took: number[] = []
let claimed = 0
for (let turn = 0; turn < CLAIMS; turn += 1) {
  const begun = performance.now()
  const { work } = await place.store.claim({
    token: crypto.randomUUID(),
    leaseMs: 30_000,
    limit: LIMIT,
    perTenant: LIMIT / 4,
    perSubscription: 10,
    shares: new Map(),
    alone: false,
  })
  took.push(performance.now() - begun)
  claimed += work.length
  await place.store.finish(work.map((one) => one.claim))
}
took.sort((a, b) => a - b)
const at = (share: number) => (took[Math.floor(took.length * share)] ?? 0).toFixed(1)
console.log(
  `${name}: ${CLAIMS} claims of ${LIMIT}, ${claimed} rows; p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`,
)
await place.store.close()
await place.close()
process.exit(0)
