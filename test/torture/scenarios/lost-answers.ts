/** Test 11: connections that end as a publish, a claim or an outcome becomes durable, before it or before its answer. */
import { pause } from '../../../src/cli/torture/fleet.ts'
import type { Harm, RunResult } from '../../../src/cli/torture/run.ts'
import { type Moment, type Step, startCuttingLink } from '../bench/cutting-link.ts'
import type { Scenario } from '../scenario.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

const STEPS: readonly Step[] = ['publish', 'claim', 'outcome']
const MOMENTS: readonly Moment[] = ['before', 'after']
const TIMEOUT_MS = 2_500
const LEASE_MS = 2 * TIMEOUT_MS
/** Once nothing is cut any more: the lease of the last lost claim, and polls; judged in full counts. What two lost claims had is claimed alone. */
const LONGEST_WAIT_MS = 2 * LEASE_MS
/** All is published, and what was to be cut does not come any more. */
const NO_MORE_MS = 10_000

export const lostAnswers: Scenario = {
  number: 11,
  name: 'answers of the database that are lost',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const link = await startCuttingLink(bench, place.url)
    const times = bench.full ? 200 : 10
    const cuts = new Map<string, number>()
    let waitedMs = 0

    const harm: Harm = async (fleet, random) => {
      const order = Array.from({ length: times }, () =>
        STEPS.flatMap((step) => MOMENTS.map((moment) => ({ step, moment }))),
      ).flat()
      for (const { step, moment } of order) {
        await pause(random.between(20, 100))
        const done = link.cut(step, moment).then(() => true)
        fleet.note('cut')
        if (!(await Promise.race([done, untilOver(fleet)]))) return
        fleet.note('cut')
        cuts.set(`${step} ${moment}`, (cuts.get(`${step} ${moment}`) ?? 0) + 1)
      }
    }
    const spreadMs = times * 1_500
    const load: Load = {
      ...{ workers: 2, events: spreadMs / 25, endpoints: 2, spreadMs, timeoutMs: TIMEOUT_MS, failing: 0.1 },
    }
    const findings = await underHarm(bench, { url: link.url, listen: true }, load, harm, (result) => {
      const lastCutAt = Math.max(0, ...result.log.map(({ at }) => at))
      const slowest = slowestArrivalMs(result, 0)
      const afterwards = slowestArrivalMs(result, lastCutAt)
      waitedMs = slowest
      const outcomes = MOMENTS.reduce((sum, moment) => sum + (cuts.get(`outcome ${moment}`) ?? 0), 0)
      return [
        ...(result.duplicated > outcomes
          ? [`duplicated ${result.duplicated}, for ${outcomes} cuts of outcomes`]
          : []),
        ...(bench.full && afterwards > LONGEST_WAIT_MS
          ? [`a delivery waited for its first request until ${afterwards} ms after the last cut`]
          : []),
        ...(slowest < LEASE_MS - 1_000
          ? [`no claim whose answer was lost came back: ${slowest} ms at most`]
          : []),
        ...STEPS.flatMap((step) => MOMENTS.map((moment) => `${step} ${moment}`)).flatMap((name) =>
          cuts.get(name) === times ? [] : [`${name}: ${cuts.get(name) ?? 0} cuts of ${times}`],
        ),
      ]
    })
    const all = [...cuts.values()].reduce((sum, count) => sum + count, 0)
    return { ...findings, figures: { ...findings.figures, cuts: all, 'longest wait ms': waitedMs } }
  },
}

/** False, some time after all was published. */
async function untilOver({ said }: Parameters<Harm>[0]): Promise<boolean> {
  while (!said.produced && !said.gone) await pause(100)
  await pause(NO_MORE_MS)
  return false
}

/** From the acknowledged publish, or from an instant if that is later, to the first request. */
function slowestArrivalMs({ published, received }: RunResult, from: number): number {
  const first = new Map<string, number>()
  for (const { id, endpoint, at } of received) {
    const key = `${id} ${endpoint}`
    first.set(key, Math.min(at, first.get(key) ?? at))
  }
  const acknowledged = new Map(
    published.filter(({ kind }) => kind === 'acknowledged').map(({ id, at }) => [id, at]),
  )
  const waits = [...first].map(
    ([key, at]) => at - Math.max(from, acknowledged.get(key.split(' ')[0] ?? '') ?? at),
  )
  return Math.max(0, ...waits)
}
