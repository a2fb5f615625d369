/** Tests 13 and 16: a database that answers late and little at a time, and one that takes no writes for a while. */
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
void ({} as RunResult)
