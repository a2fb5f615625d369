/** Tests 13 and 16: a database that answers late and little at a time, and one that takes no writes for a while. */
import pg from 'pg'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { seeded } from '../../../src/cli/torture/random.ts'
import type { Harm, RunResult } from '../../../src/cli/torture/run.ts'
import { startSlowLink } from '../bench/slow-link.ts'
import type { Scenario } from '../scenario.ts'
import { countAttempts } from './attempts.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

const SLOW = { bytesPerS: 65_536, delayMs: [100, 300] } as const

export const slowDatabase: Scenario = {
  number: 13,
  name: 'a slow database',
  kinds: ['postgres'],
  longMinutes: 8,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const link = await startSlowLink(bench, place.url, seeded(bench.seed))
    // The workers sleep at first: what they find then is more than the link carries in one statement's time.
    const [sleepMs, slowMs] = bench.full ? [40_000, 300_000] : [20_000, 40_000]
    const load: Load = {
      ...{ workers: 3, endpoints: 2, timeoutMs: 15_000, longestText: 20_000 },
      ...(bench.full ? { events: 600, spreadMs: 150_000 } : { events: 160, spreadMs: 32_000 }),
    }
    const slow: Harm = async (fleet) => {
      const asleep = fleet.workers.map((worker) => fleet.freeze(worker, sleepMs))
      await pause(sleepMs - 500)
      link.set(SLOW)
      await Promise.all(asleep)
      await pause(slowMs)
      link.set(null)
    }
    const findings = await underHarm(
      bench,
      { url: link.url },
      load,
      slow,
      ({ duplicated }) => (duplicated > 0 ? [`duplicated ${duplicated}, although every worker lived`] : []),
      {
        async inspect({ store }) {
          const late = await countAttempts(store, (attempt) => attempt.late || attempt.afterLostClaim)
          return late === 0 ? [] : [`${late} attempts of claims whose lease had ended under a live worker`]
        },
      },
    )
    return {
      ...findings,
      figures: { ...findings.figures, 'KB while slow': Math.round(link.carried / 1_024) },
    }
  },
}

const TIMEOUT_MS = 2_500
const RESUMED_WITHIN_MS = 5_000

/** No request but of what was claimed before, and requests again soon after. */
function pausedWhile({ received, log }: RunResult): string[] {
  return log.flatMap(({ kind, at }, index) => {
    const mended = log[index + 1]
    if (kind !== 'read-only' || mended?.kind !== 'mended') return []
    const claimedBefore = at + TIMEOUT_MS + 500
    const sent = received.filter((one) => one.at > claimedBefore && one.at < mended.at).length
    const again = Math.min(...received.map((one) => one.at).filter((sentAt) => sentAt > mended.at))
    return [
      ...(sent > 0 ? [`${sent} requests were sent while no claim could be written`] : []),
      ...(again - mended.at > RESUMED_WITHIN_MS
        ? [`requests were sent again ${again - mended.at} ms after writes were possible`]
        : []),
    ]
  })
}

export const readOnly: Scenario = {
  number: 16,
  name: 'a database that is read-only for a while',
  kinds: ['postgres'],
  longMinutes: 8,
  async run(bench) {
    const server = await bench.ownPostgres()
    const observer = new pg.Client({ connectionString: server.url })
    observer.on('error', () => {})
    await observer.connect()
    bench.after(() => observer.end())
    const set = async (value: 'on' | 'off') => {
      await observer.query(`alter system set default_transaction_read_only = ${value}`)
      await observer.query('select pg_reload_conf()')
    }
    const { times, everyMs, closedMs } = bench.full
      ? { times: 10, everyMs: 10_000, closedMs: 30_000 }
      : { times: 2, everyMs: 3_000, closedMs: 6_000 }
    const harm: Harm = async (fleet) => {
      for (let index = 0; index < times; index++) {
        await pause(everyMs)
        await set('on')
        fleet.note('read-only')
        await pause(closedMs)
        fleet.note('mended')
        await set('off')
      }
    }
    const spreadMs = times * (everyMs + closedMs)
    const load: Load = { workers: 2, events: spreadMs / 50, endpoints: 3, spreadMs, timeoutMs: TIMEOUT_MS }
    return underHarm(bench, { url: server.url }, load, harm, pausedWhile)
  },
}
