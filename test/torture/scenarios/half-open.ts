/** Test 12: connections to the database that swallow what is sent and stay open, all of them for a while or one for good. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { type Fleet, pause } from '../../../src/cli/torture/fleet.ts'
import type { Harm } from '../../../src/cli/torture/run.ts'
import { anyTenant } from '../../../src/model.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { type BlackHole, startBlackHole } from '../bench/black-hole.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

const WORKERS = 2
/** The deadline of every statement of our own, and what a busy machine takes to notice. */
const FAILED_WITHIN_MS = 10_000 + 1_000
const HEARD_WITHIN_MS = 20_000
/** Lines of a worker's log in any minute. */
const MOST_LINES = 2
/** Of one processor, while nothing answers. */
const MOST_CPU = 0.1
const TICKS_A_SECOND = 100

export const halfOpen: Scenario = {
  number: 12,
  name: 'half-open connections',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const link = await startBlackHole(bench, place.url)
    const asking = startAsking(bench, link.url)
    const hears = await startHearing(bench, link.url, place.url)
    const seen = { cpu: 0, heardAllMs: 0, heardOneMs: 0 }
    let lines: Fleet['said']['lines'] = []
    const { times, holeMs } = bench.full ? { times: 20, holeMs: 60_000 } : { times: 1, holeMs: 15_000 }

    const harm: Harm = async (fleet) => {
      lines = fleet.said.lines
      for (let round = 0; round < times; round++) {
        await pause(2_000)
        // Beside the hole it has a test of its own in the normal run, `test/stores/sql/waking`.
        if (bench.full) seen.heardOneMs = Math.max(seen.heardOneMs, await loseOne(link))
        const usedBefore = cpuOf(fleet)
        fleet.note('cut')
        link.open()
        await pause(holeMs)
        const used = cpuOf(fleet) - usedBefore
        seen.cpu = Math.max(seen.cpu, used / WORKERS / (holeMs / 1_000))
        link.close()
        fleet.note('cut')
        seen.heardAllMs = Math.max(seen.heardAllMs, await hears.again(link))
      }
    }
    const spreadMs = times * (holeMs + (bench.full ? 20_000 : 4_000))
    const load: Load = { workers: WORKERS, events: spreadMs / 50, endpoints: 2, spreadMs, timeoutMs: 5_000 }
    const findings = await underHarm(bench, { url: link.url, listen: true }, load, harm)
    const slowestMs = await asking.stop()
    const most = mostLines(lines)
    return {
      problems: [
        ...findings.problems,
        ...(slowestMs > FAILED_WITHIN_MS ? [`a statement took ${slowestMs} ms to fail`] : []),
        ...[seen.heardOneMs, seen.heardAllMs].flatMap((ms) =>
          ms > HEARD_WITHIN_MS ? [`hints were heard again after ${ms} ms`] : [],
        ),
        ...(most > MOST_LINES
          ? [`a worker wrote ${most} lines in a minute: ${lines.map(tell).join(' | ')}`]
          : []),
        ...(seen.cpu > MOST_CPU ? [`a worker took ${percent(seen.cpu)} of a processor while it waited`] : []),
      ],
      figures: {
        ...findings.figures,
        'slowest statement ms': slowestMs,
        ...(bench.full ? { 'heard again ms, one lost': seen.heardOneMs } : {}),
        'heard again ms, all lost': seen.heardAllMs,
        'lines in a minute': most,
        'cpu while waiting': percent(seen.cpu),
      },
    }
  },
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const tell = ({ worker, message }: Fleet['said']['lines'][number]): string => `${worker}: ${message}`

/** Statements one after the other, over a pool of their own; tells how long the slowest took to succeed or fail. */
function startAsking(bench: Bench, url: string): { stop(): Promise<number> } {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  const store = postgresStore({ client: pool })
  bench.after(() => pool.end())
  let asks = true
  let slowestMs = 0
  const runs = Array.from({ length: 4 }, async () => {
    while (asks) {
      const begun = performance.now()
      await store.backlog({ tenant: anyTenant }).catch(() => {})
      slowestMs = Math.max(slowestMs, performance.now() - begun)
      await pause(100)
    }
  })
  return {
    async stop() {
      asks = false
      await Promise.all(runs)
      return Math.round(slowestMs)
    },
  }
}

/** A process of its own that hears hints over the link; others send them past it. */
async function startHearing(bench: Bench, url: string, direct: string) {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  const store = postgresStore({ client: pool, listen: true })
  const sender = new pg.Client({ connectionString: direct })
  await sender.connect()
  let heard = 0
  const stop = store.onWake?.(() => {
    heard += 1
  })
  bench.after(async () => {
    stop?.()
    await sender.end()
    await pool.end()
  })
  return {
    /** Until it hears, and the workers listen again. */
    async again(link: BlackHole): Promise<number> {
      const begun = performance.now()
      const before = heard
      while (heard === before || listening(link).length < WORKERS + 1) {
        if (performance.now() - begun > 4 * HEARD_WITHIN_MS) break
        await sender.query(`select pg_notify('posthorn', '')`)
        await pause(100)
      }
      return Math.round(performance.now() - begun)
    },
  }
}

const listening = (link: BlackHole) => link.lines.filter(({ listens, dead }) => listens && !dead)

/** Swallows one connection that listens, for good, and waits until its process listens on another one. */
async function loseOne(link: BlackHole): Promise<number> {
  const begun = performance.now()
  const before = new Set(listening(link))
  const [lost] = before
  if (lost === undefined) throw new Error('Nobody listens.')
  link.open(lost)
  while (!listening(link).some((line) => !before.has(line))) {
    if (performance.now() - begun > 4 * HEARD_WITHIN_MS) break
    await pause(100)
  }
  return Math.round(performance.now() - begun)
}

/** Seconds of processor that the workers have used; 0 where the system does not tell. */
function cpuOf(fleet: Fleet): number {
  const used = fleet.workers.map((worker) => {
    try {
      const [, rest = ''] = readFileSync(`/proc/${fleet.pidOf(worker)}/stat`, 'utf8').split(') ')
      const fields = rest.split(' ')
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
    } catch {
      return 0
    }
  })
  return used.reduce((sum, seconds) => sum + seconds, 0)
}

/** The most lines of one worker in any minute. */
function mostLines(lines: Fleet['said']['lines']): number {
  const counts = lines.map(({ worker, at }) => {
    const isNear = (other: { worker: string; at: number }) =>
      other.worker === worker && other.at >= at && other.at < at + 60_000
    return lines.filter(isNear).length
  })
  return Math.max(0, ...counts)
}
