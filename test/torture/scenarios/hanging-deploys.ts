/** The rest of test 5: deploys while a receiver hangs, which a stop waits for no longer than it may, keeping nothing that is unsent. */
import type { OpenedStore } from '../../../src/cli/open-store.ts'
import { pause } from '../../../src/cli/torture/fleet.ts'
import type { Harm } from '../../../src/cli/torture/run.ts'
import type { Scenario } from '../scenario.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

/** All in flight, and all hanging after a moment. */
const SLOTS = 20
/** What the longest poll takes, and a busy machine. */
const POLL_MS = 1_500
const PATIENCE_MS = 5_000

/** Claims that last, of whatever worker: there is one. */
const CLAIMED = `select concat(tenant_id, ' ', event_id, ' ', id, ' ', token) as claim from posthorn.queue
  where token is not null and lease_until > extract(epoch from clock_timestamp()) * 1000000`

async function claimsIn(opened: OpenedStore): Promise<ReadonlySet<string>> {
  return new Set((await opened.query(CLAIMED)).map(({ claim }) => String(claim)))
}

export const hangingDeploys: Scenario = {
  number: 5,
  name: 'rolling deploys with a receiver that hangs',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { times, drainMs, timeoutMs, graceMs } = bench.full
      ? { times: 20, drainMs: 8_000, timeoutMs: 15_000, graceMs: 1_000 }
      : // Beside other tests: a stop that waited for the hanging request itself would still be seen.
        { times: 2, drainMs: 2_000, timeoutMs: 5_000, graceMs: 2_000 }
    const kept: number[] = []
    const given: number[] = []

    const harm: Harm = async (fleet, _random, opened) => {
      for (let round = 0; round < times; round++) {
        const [worker = ''] = fleet.workers
        let before = await claimsIn(opened)
        for (let waited = 0; before.size < 2 * SLOTS && waited < PATIENCE_MS; waited += 100) {
          await pause(100)
          before = await claimsIn(opened)
        }
        const deployed = fleet.deploy(worker)
        await pause(POLL_MS)
        const after = await claimsIn(opened)
        const left = [...before].filter((claim) => after.has(claim)).length
        kept.push(left)
        given.push(before.size - left)
        await deployed
      }
    }
    const hangsMs = times * (drainMs + PATIENCE_MS)
    const load: Load = {
      ...{ workers: 1, endpoints: 2, concurrency: SLOTS, timeoutMs, drainMs, hangsMs },
      ...{ events: hangsMs / 25, spreadMs: hangsMs },
    }
    const findings = await underHarm(bench, place, load, harm, (result) => [
      ...(result.duplicated > 0 ? [`duplicated ${result.duplicated}, although every stop was planned`] : []),
      ...(result.slowestStopMs > drainMs + graceMs
        ? [`a stop took ${Math.round(result.slowestStopMs)} ms`]
        : []),
      ...(Math.max(...kept) > SLOTS ? [`${Math.max(...kept)} claims were kept by a worker that stops`] : []),
      ...(Math.min(...given) < SLOTS ? [`only ${Math.min(...given)} claims were there to give back`] : []),
    ])
    const figures = { 'claims kept': Math.max(...kept), 'claims given back': Math.min(...given) }
    return { ...findings, figures: { ...findings.figures, ...figures } }
  },
}
