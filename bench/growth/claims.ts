/** How long a claim of 200 takes beside ever more history, beside scheduled rows, and while an old snapshot is held. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { quantile } from '../figures.ts'
import { multiply } from './multiply.ts'
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, open, publishMany } from './setting.ts'

const LIMIT = 200
const CLAIMS = 20
const SEED = 1_000
const DEAD = 10_000

type Setting = Awaited<ReturnType<typeof open>>

/** Publishes what can be claimed, claims it in batches, and takes it away again. */
async function timed({ store, webhooks }: Setting, claims: number): Promise<readonly number[]> {
  const times: number[] = []
  await publishMany({ webhooks } as Setting, LIMIT * claims, { tenantId: 'busy' })
  for (let number = 0; number < claims; number++) {
    const startedAt = performance.now()
    const { work } = await store.claim({
      token: randomUUID(),
      leaseMs: 30_000,
      limit: LIMIT,
      perTenant: LIMIT,
      perSubscription: LIMIT,
      shares: new Map(),
      alone: false,
    })
    times.push(performance.now() - startedAt)
    await store.finish(work.map(({ claim }) => claim))
  }
  return times
}

const row = (what: string, times: readonly number[], empty: readonly number[]): GrowthRow => {
  const p50 = quantile(times, 0.5) ?? Number.NaN
  return {
    what,
    'ms p50': p50,
    'ms p95': quantile(times, 0.95) ?? Number.NaN,
    'x empty': p50 / (quantile(empty, 0.5) ?? 1),
  }
}

export async function claims({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  let open_ = SEED
  let allEnded = (): void => {}
  const setting = await open(url, {
    ended() {
      open_ -= 1
      if (open_ === 0) allEnded()
    },
  })
  const { pool, webhooks } = setting
  await timed(setting, CLAIMS)
  const empty = await timed(setting, CLAIMS)
  const rows = [row('empty', empty, empty)]

  const ended = new Promise<void>((resolve) => {
    allEnded = resolve
  })
  await webhooks.subscriptions.create({ tenantId: 'seed', url: hostUrl(ports, 0) })
  await webhooks.start()
  await publishMany(setting, SEED, { tenantId: 'seed' })
  await ended
  await webhooks.stop()
  const history = ['events', 'deliveries', 'attempts']
  let finished = SEED
  for (const target of [size / 10, size]) {
    await multiply(pool, 'seed', history, Math.max(1, Math.round(target / finished) - 1))
    finished = target
    await pool.query('vacuum analyze')
    rows.push(row(`${target.toLocaleString('en')} finished`, await timed(setting, CLAIMS), empty))
  }

  await publishMany(setting, SEED, { tenantId: 'later', delayMs: 3_600_000 })
  await multiply(pool, 'later', ['queue'], Math.max(1, size / SEED - 1))
  await pool.query('vacuum analyze')
  rows.push(row(`and ${size.toLocaleString('en')} scheduled`, await timed(setting, CLAIMS), empty))
  rows.push(
    row(
      `and ${DEAD.toLocaleString('en')} claimed and gone under an old snapshot`,
      await underSnapshot(url, setting),
      empty,
    ),
  )
  rows.push(...(await plainTable(url)))
  await setting.close()
  return rows
}

async function underSnapshot(url: string, setting: Setting): Promise<readonly number[]> {
  return holding(url, async () => {
    await timed(setting, DEAD / LIMIT)
    return timed(setting, CLAIMS)
  })
}

/** While another session's snapshot lets vacuum remove nothing. */
async function holding<T>(url: string, meanwhile: () => Promise<T>): Promise<T> {
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  await holder.query('begin isolation level repeatable read')
  await holder.query('select 1')
  try {
    return await meanwhile()
  } finally {
    await holder.end()
  }
}

/** The textbook table with SKIP LOCKED, for comparison. */
async function plainTable(url: string): Promise<readonly GrowthRow[]> {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  await pool.query(
    'create table plain (id bigint generated always as identity primary key, run_at bigint, body text)',
  )
  await pool.query('create index on plain (run_at, id)')
  async function cycle(times: number): Promise<readonly number[]> {
    const found: number[] = []
    await pool.query(
      "insert into plain (run_at, body) select 0, repeat('x', 1000) from generate_series(1, $1::int)",
      [times * LIMIT],
    )
    for (let number = 0; number < times; number++) {
      const startedAt = performance.now()
      const { rows } = await pool.query<{ id: string }>(
        `update plain set run_at = 1 where id in (select id from plain where run_at = 0 order by run_at, id limit ${LIMIT} for update skip locked) returning id, body`,
      )
      found.push(performance.now() - startedAt)
      await pool.query('delete from plain where id = any($1::bigint[])', [rows.map(({ id }) => id)])
    }
    return found
  }
  await cycle(CLAIMS)
  const empty = await cycle(CLAIMS)
  const held = await holding(url, async () => {
    await cycle(DEAD / LIMIT)
    return cycle(CLAIMS)
  })
  await pool.end()
  return [
    row('plain SKIP LOCKED table, empty', empty, empty),
    row('plain SKIP LOCKED table, old snapshot', held, empty),
  ]
}
