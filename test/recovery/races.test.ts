/** Retries, replays, cancels, stops and changes of a subscription at once; each seed can be run again alone. */
import { describe, expect, it } from 'vitest'
import { race } from './races.ts'

const RACES = Number(process.env.POSTHORN_RACES ?? 100)
const GROUP = 50

describe('whatever is done to a delivery at once, it has one attempt at a time, numbered without gap, and one end', () => {
  const groups = Array.from({ length: Math.ceil(RACES / GROUP) }, (_, index) => index * GROUP + 1)

  it.each(groups)('seeds from %i', async (first) => {
    const wrong: string[] = []
    const seen = { requests: 0, resent: 0, cancelled: 0, stopped: 0 }
    for (let seed = first; seed < first + GROUP; seed++) {
      const run = await race(seed)
      for (const problem of run.wrong) wrong.push(`seed ${seed}: ${problem}`)
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += run[name]
    }
    expect(wrong).toEqual([])
    // A race in which nothing happens proves nothing.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(GROUP / 5)
  })
})
