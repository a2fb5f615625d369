/** Test 49: hours of the same, with failures, retention and a kill now and then. Nothing may be lost, and nothing may grow. */
import { readdirSync, readFileSync } from 'node:fs'
import { pause } from '../../../src/cli/torture/fleet.ts'
import type { Harm } from '../../../src/cli/torture/run.ts'
import { quantile } from '../bench/quantile.ts'
import type { Scenario } from '../scenario.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

const MINUTE_MS = 60_000
/** From `settledMs` on nothing may grow. A minute says nothing about memory and times: a reduced run judges the rest only. */
const FULL = {
  ...{ perS: 200, forMs: 120 * MINUTE_MS, killEveryMs: 5 * MINUTE_MS, settledMs: 20 * MINUTE_MS },
  ...{ memoryFromMs: 30 * MINUTE_MS, lookMs: 10_000, retentionMs: 10 * MINUTE_MS },
}
const REDUCED: typeof FULL = {
  ...{ perS: 60, forMs: MINUTE_MS, killEveryMs: 15_000, settledMs: 20_000 },
  ...{ memoryFromMs: 20_000, lookMs: 2_000, retentionMs: MINUTE_MS },
}
const MOST_MB_PER_HOUR = 2
const DRIFT = 1.2
const MOST_FDS = 5
const HOT_TABLE_GROWTH = 1.5
/** Less than that is no table that grows. */
const SMALL_TABLE_BYTES = 4_000_000

interface Look {
  readonly at: number
  readonly worker: string
  readonly mb: number
  readonly fds: number
}

export const soak: Scenario = {
  number: 49,
  name: 'soak',
  kinds: ['postgres'],
  longMinutes: 125,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const counts = bench.full ? FULL : REDUCED
    const { perS, forMs, killEveryMs, settledMs, memoryFromMs, lookMs, retentionMs } = counts
    const load: Load = {
      ...{ workers: 3, events: (perS * forMs) / 1_000, endpoints: 1, spreadMs: forMs, timeoutMs: 15_000 },
      ...{ failing: 0.02, retentionMs, tellClaimsMs: lookMs },
    }
    const looks: Look[] = []
    const tables: { readonly at: number; readonly bytes: number }[] = []
    const claims: { readonly at: number; readonly p95Ms: number }[] = []
    let stayed: readonly string[] = []
    const live: Harm = async (fleet, _random, { query }) => {
      const begun = Date.now()
      // The last one is killed, again and again; the first two live through it all.
      stayed = fleet.workers.slice(0, 2)
      for (let kills = 0; Date.now() - begun < forMs; await pause(lookMs)) {
        const at = Date.now() - begun
        for (const worker of stayed) {
          const pid = fleet.pidOf(worker)
          if (pid !== null) looks.push({ at, worker, ...lookAt(pid) })
        }
        const [row] = await query(`select pg_total_relation_size('posthorn.queue') as bytes`)
        tables.push({ at, bytes: Number(row?.bytes) })
        if (at > (kills + 1) * killEveryMs) {
          kills += 1
          const last = fleet.workers.at(-1)
          if (last !== undefined) await fleet.kill(last)
        }
      }
      for (const one of fleet.said.claims) {
        if (stayed.includes(one.worker)) claims.push({ at: one.at - begun, p95Ms: one.p95Ms })
      }
    }
    const findings = await underHarm(bench, place, load, live)

    const from = <Entry extends { readonly at: number }>(all: readonly Entry[], since: number) =>
      all.filter(({ at }) => at >= since)
    const late = stayed.map((worker) => from(looks, memoryFromMs).filter((one) => one.worker === worker))
    const mbPerHour = Math.max(...late.map(slope))
    const fds = Math.max(...late.map((of) => beyondUsual(of.map((one) => one.fds))))
    const quarterMs = (forMs - settledMs) / 4
    const p95 = (all: typeof claims) =>
      quantile(
        all.map(({ p95Ms }) => p95Ms),
        0.5,
      )
    const first = p95(from(claims, settledMs).filter(({ at }) => at < settledMs + quarterMs))
    const last = p95(from(claims, forMs - quarterMs))
    const then = from(tables, settledMs)[0]?.bytes ?? 0
    const most = Math.max(...from(tables, settledMs).map(({ bytes }) => bytes))
    return {
      problems: [
        ...findings.problems,
        ...(bench.full && mbPerHour > MOST_MB_PER_HOUR
          ? [`the memory of a worker grew by ${mbPerHour.toFixed(1)} MB an hour`]
          : []),
        ...(fds > MOST_FDS ? [`a worker had ${fds} file descriptors more than usual`] : []),
        ...(first === 0 || last === 0 ? ['the workers told of no claims'] : []),
        ...(bench.full && last > first * DRIFT
          ? [`claims took ${last.toFixed(1)} ms at p95 in the end, ${first.toFixed(1)} ms before`]
          : []),
        ...(most > Math.max(then * HOT_TABLE_GROWTH, SMALL_TABLE_BYTES)
          ? [`the queue and its indexes grew from ${then} to ${most} bytes`]
          : []),
      ],
      figures: {
        ...findings.figures,
        ...(bench.full ? { 'MB an hour': mbPerHour.toFixed(1) } : {}),
        'file descriptors beyond usual': fds,
        'claim p95 ms early / late': `${first.toFixed(1)} / ${last.toFixed(1)}`,
        'queue KB then / most': `${Math.round(then / 1_024)} / ${Math.round(most / 1_024)}`,
      },
    }
  },
}

const beyondUsual = (counts: readonly number[]): number => Math.max(...counts) - quantile(counts, 0.5)

/** Resident memory and open files of a process. */
function lookAt(pid: number): { readonly mb: number; readonly fds: number } {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { mb: Number(resident) / 1_024, fds: readdirSync(`/proc/${pid}/fd`).length }
}

/** MB an hour, by least squares. */
function slope(looks: readonly Look[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const hours = looks.map(({ at }) => at / (60 * MINUTE_MS))
  const [hour, mb] = [mean(hours), mean(looks.map((look) => look.mb))]
  const over = looks.reduce((sum, look, index) => sum + ((hours[index] ?? 0) - hour) * (look.mb - mb), 0)
  const under = hours.reduce((sum, one) => sum + (one - hour) ** 2, 0)
  return over / under
}
