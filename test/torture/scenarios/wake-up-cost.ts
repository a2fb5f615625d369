/** Test 21: what wake-up hints cost publishers, whose notifications take a lock that all of them share. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { Round } from '../processes/announcer.ts'
import type { Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const PROCESSES = 4
const CALLERS = 16
const SAMPLE_MS = 20
/** Throughput with hints, as a share of that without; judged with full counts alone. */
const LEAST_SHARE = 0.9
/** Samples in which somebody waits for the lock of notifying commits. */
const MOST_WAITING = 0.01
/** Commits that notify wait for this one: an object of class `pg_database`, in no database. */
const WAITING = `select count(*)::int as waiting from pg_locks where locktype = 'object' and database = 0 and not granted`

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export const wakeUpCost: Scenario = {
  number: 21,
  name: 'what wake-up hints cost publishers',
  kinds: ['postgres'],
  longMinutes: 6,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const pool = new pg.Pool({ connectionString: place.url, max: 6 })
    bench.after(() => pool.end())
    const hearing = postgresStore({ client: pool, listen: true })
    await hearing.migrate()
    let heard = 0
    const stop = hearing.onWake?.(() => {
      heard += 1
    })
    bench.after(() => stop?.())
    const { rounds, forMs } = bench.full ? { rounds: 9, forMs: 15_000 } : { rounds: 3, forMs: 2_000 }
    const processes = Array.from({ length: PROCESSES }, () => {
      const child = fork(bench.programs.probe, ['announcer'], {
        env: { ...process.env, ANNOUNCE: JSON.stringify({ url: place.url, callers: CALLERS }) },
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      bench.after(() => child.kill('SIGKILL'))
      return child
    })
    await Promise.all(processes.map((child) => once(child, 'message')))

    let samples = 0
    let waiting = 0
    const ask = async (child: ChildProcess, round: Round): Promise<number> => {
      child.send(round)
      const [{ published }] = (await once(child, 'message')) as [{ published: number }]
      return published
    }
    async function run(listen: boolean): Promise<number> {
      await pool.query('truncate posthorn.events, posthorn.queue')
      const sampler = setInterval(() => {
        void pool.query(WAITING).then(
          ({ rows: [row] }) => {
            // Without hints too, so that both rounds are alike; only theirs count.
            if (!listen) return
            samples += 1
            if (row.waiting > 0) waiting += 1
          },
          () => {},
        )
      }, SAMPLE_MS)
      try {
        const published = await Promise.all(processes.map((child) => ask(child, { listen, forMs })))
        return published.reduce((sum, count) => sum + count, 0) / (forMs / 1_000)
      } finally {
        clearInterval(sampler)
      }
    }

    const ratios: number[] = []
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) {
      // In turns, and each first every other time, so that a machine that grows slower favours neither.
      const order = round % 2 === 0 ? [true, false] : [false, true]
      const found = new Map<boolean, number>()
      for (const listen of order) found.set(listen, await run(listen))
      const [withHints, without] = [found.get(true) ?? 0, found.get(false) ?? 1]
      ratios.push(withHints / without)
      rates.push(withHints)
      if (bench.full)
        bench.say(`  round ${round + 1}: ${Math.round(withHints)}/s of ${Math.round(without)}/s`)
    }
    const share = median(ratios)
    const waited = waiting / Math.max(1, samples)
    return {
      problems: [
        ...(bench.full && share < LEAST_SHARE
          ? [`with hints ${Math.round(share * 100)} % of the throughput without them`]
          : []),
        ...(waited > MOST_WAITING
          ? [`somebody waited for the lock of notifying commits in ${(waited * 100).toFixed(1)} % of samples`]
          : []),
        ...(heard === 0 ? ['no hint was heard'] : []),
      ],
      figures: {
        'published a second': Math.round(median(rates)),
        'share of that without hints': share.toFixed(2),
        'waiting for the lock': `${waiting} of ${samples} samples`,
        'hints heard': heard,
      },
    }
  },
}
