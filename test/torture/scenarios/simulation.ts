/** Test 75: a whole installation in one process, seed after seed, with the manual clock: `test/delivery/simulation`. */
import { simulate } from '../../delivery/simulation.ts'
import type { Findings, Scenario } from '../scenario.ts'
import { bySeed } from './by-seed.ts'

const STEPS = 500
/** Seeds of one part. */
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
    return bySeed(bench, bench.full ? 10_000 : 50, PART, seeds)
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
