/** Test 17: somebody's old transaction keeps every dead row alive, while events come and go. Beside it a plain table. */
import pg from 'pg'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { createWebhooks } from '../../../src/index.ts'
import { anyTenant } from '../../../src/model.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { quietLogger } from '../../support/setup.ts'
import { countingReceiver } from '../bench/counting-receiver.ts'
import { plainQueue } from '../bench/plain-queue.ts'
import { quantile } from '../bench/quantile.ts'
import { type TimedClaim, timedClaims } from '../bench/timed-claims.ts'
import type { Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const TURN_MS = 50
/** The first claims of a process are slow for other reasons. */
const WARM_MS = 3_000

/** When what happens. How slow claims become is judged with full counts alone. */
const FULL = { perS: 300, holdAtMs: 180_000, releaseAtMs: 720_000, settleMs: 120_000, endMs: 900_000 }
const REDUCED = { perS: 100, holdAtMs: 10_000, releaseAtMs: 25_000, settleMs: 5_000, endMs: 38_000 }
const HELD = { times: 3, ms: 25 }
const AFTER_TIMES = 1.3

export const heldSnapshot: Scenario = {
  number: 17,
  name: 'an old transaction that keeps dead rows alive',
  kinds: ['postgres'],
  longMinutes: 16,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const openPool = (max: number) => {
      const pool = new pg.Pool({ connectionString: place.url, max })
      bench.after(() => pool.end())
      return pool
    }
    const { perS, holdAtMs, releaseAtMs, settleMs, endMs } = bench.full ? FULL : REDUCED
    const pool = openPool(10)
    const { store, claims } = timedClaims(postgresStore({ client: pool, listen: true }))
    const options = { allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger }
    const worker = createWebhooks({ store, ...options })
    const publisher = createWebhooks({
      store: postgresStore({ client: openPool(4), listen: true }),
      logger: quietLogger,
    })
    bench.after(() => Promise.all([worker.stop(), publisher.stop()]))
    await worker.migrate()
    const receiver = await countingReceiver(bench)
    await worker.subscriptions.create({ tenantId: 'acme', url: receiver.url })
    await worker.start()
    const plain = await plainQueue(openPool(4))

    const begun = performance.now()
    const now = () => performance.now() - begun
    let published = 0
    let publishing = true
    const inTurns = async (work: (owed: number) => Promise<unknown>): Promise<void> => {
      for (let done = 0; publishing; ) {
        const owed = Math.floor((now() / 1_000) * perS) - done
        done += owed
        if (owed > 0) await work(owed)
        await pause(TURN_MS)
      }
    }
    const feeding = Promise.all([
      inTurns(async (owed) => {
        await publisher.publishMany(
          Array.from({ length: owed }, () => ({ type: 'order.paid', data: {}, tenantId: 'acme' })),
        )
        published += owed
      }),
      inTurns((owed) => plain.put(owed)),
      inTurns(() => plain.take()),
    ])
    feeding.catch(() => {})

    const holder = new pg.Client({ connectionString: place.url })
    await holder.connect()
    bench.after(() => holder.end())
    const curve: string[] = []
    let mostDue = 0
    let held = false
    for (let minute = 0; now() < endMs; await pause(500)) {
      if (!held && now() >= holdAtMs && now() < releaseAtMs) {
        held = true
        await holder.query('begin isolation level repeatable read')
        await holder.query('select count(*) from posthorn.queue')
      }
      if (held && now() >= releaseAtMs) {
        held = false
        await holder.query('commit')
      }
      mostDue = Math.max(mostDue, (await store.backlog({ tenant: anyTenant })).due)
      if (now() >= (minute * endMs) / 15) {
        minute += 1
        const dead = await deadRows(pool)
        curve.push(`${dead.queue}/${dead.plain}`)
        if (bench.full)
          bench.say(`  minute ${minute - 1}: dead rows ${dead.queue}, plain table ${dead.plain}`)
      }
    }
    publishing = false
    await feeding
    for (const until = Date.now() + 30_000; receiver.requests.size < published && Date.now() < until; )
      await pause(100)

    const windows = (all: readonly TimedClaim[]) => {
      const p95 = (from: number, to: number) =>
        quantile(
          all.filter(({ at }) => at - begun >= from && at - begun < to).map(({ tookMs }) => tookMs),
          0.95,
        )
      return {
        before: p95(WARM_MS, holdAtMs),
        held: p95(holdAtMs, releaseAtMs),
        after: p95(releaseAtMs + settleMs, endMs),
      }
    }
    const [ours, theirs] = [windows(claims), windows(plain.claims)]
    const lost = published - receiver.requests.size
    const mostBacklog = perS * 5
    const told = (window: typeof ours) =>
      `${window.before.toFixed(1)} / ${window.held.toFixed(1)} / ${window.after.toFixed(1)}`
    return {
      problems: [
        ...(lost === 0 ? [] : [`lost ${lost}`]),
        ...(mostDue > mostBacklog ? [`the backlog grew to ${mostDue}`] : []),
        ...(bench.full && (ours.held > HELD.times * ours.before || ours.held > HELD.ms)
          ? [`claims took ${told(ours)} ms at p95 before, while and after the transaction was open`]
          : []),
        ...(bench.full && ours.after > AFTER_TIMES * ours.before
          ? [`claims stayed slow: ${told(ours)} ms at p95 before, while and after`]
          : []),
      ],
      figures: {
        ...{ lost, deliveries: published, 'longest backlog': mostDue },
        'claim p95 ms before / held / after': told(ours),
        'of a plain table': told(theirs),
        'dead rows, ours/plain': curve.join(' '),
      },
    }
  },
}

async function deadRows(pool: pg.Pool): Promise<{ queue: number; plain: number }> {
  const { rows } = await pool.query(
    `select relname, n_dead_tup::int as dead from pg_stat_user_tables where relname in ('queue', 'plain_jobs')`,
  )
  const of = (name: string): number => rows.find(({ relname }) => relname === name)?.dead ?? 0
  return { queue: of('queue'), plain: of('plain_jobs') }
}
