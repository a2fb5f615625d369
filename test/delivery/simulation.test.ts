/** The engine against a hostile world, many times over; each seed can be run again alone. */
import { describe, expect, it } from 'vitest'
import { simulate } from './simulation.ts'

/** `npm run torture -- --only 75 --long` takes 10,000 seeds of 500 steps. */
const SEEDS = 60
const STEPS = 300
const GROUP = 10

describe('a simulated installation loses nothing, changes nothing that has ended, and invents nothing', () => {
  const groups = Array.from({ length: Math.ceil(SEEDS / GROUP) }, (_, index) => index * GROUP + 1)

  it.each(groups)('seeds from %i', async (first) => {
    const wrong: string[] = []
    const seen = {
      acknowledged: 0,
      arrivals: 0,
      deaths: 0,
      storeFailures: 0,
      late: 0,
      repeated: 0,
      clockSteps: 0,
    }
    for (let seed = first; seed < first + GROUP; seed++) {
      const run = await simulate(seed, STEPS)
      for (const problem of run.wrong) wrong.push(`seed ${seed}: ${problem}`)
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += run[name]
    }
    expect(wrong).toEqual([])
    // A world in which nothing happens proves nothing.
    expect(seen.arrivals).toBeGreaterThan(3 * seen.acknowledged)
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
  })
})
