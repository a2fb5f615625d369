/** Test 75: a whole installation in one process, seed after seed, with the manual clock: `test/delivery/simulation`. */
import { simulate } from '../../delivery/simulation.ts'
import type { Findings, Scenario } from '../scenario.ts'
import { joined } from './joined.ts'

const STEPS = 500
/** Seeds of one part, which a run that was cut off need not do again. */
const PART = 500
/** As many are told as a person reads. */
const MOST_TOLD = 20

export const simulation: Scenario = {
  number: 75,
  name: 'deterministic simulation',
  kinds: ['sqlite'],
  stores: 'memory',
  longMinutes: 30,
  async run(bench) {
    const count = bench.full ? 10_000 : 50
    const parts: { readonly name: string; readonly found: Findings }[] = []
    for (let done = 0; done < count; done += PART) {
      const first = bench.seed + done
      const last = bench.seed + Math.min(done + PART, count) - 1
      const name = `seeds ${first} to ${last}`
      parts.push({ name, found: await bench.part(name, () => seeds(first, last)) })
    }
    return joined(parts)
  },
}

/** Each problem with the line that plays its seed again: a run begins with the seed that it is given. */
async function seeds(first: number, last: number): Promise<Findings> {
  const problems: string[] = []
  const figures = { runs: 0, events: 0, requests: 0, faults: 0 }
  for (let seed = first; seed <= last; seed++) {
    const run = await simulate(seed, STEPS)
    const again = `npm run torture -- --only 75 --seed ${seed}`
    if (problems.length < MOST_TOLD) problems.push(...run.wrong.map((one) => `${again}: ${one}`))
    figures.runs += 1
    figures.faults += run.deaths + run.storeFailures + run.repeated + run.clockSteps
    figures.events += run.acknowledged
    figures.requests += run.arrivals
  }
  return { problems, figures }
}
