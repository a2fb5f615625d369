/** The sum of two rows of statistics. */
import type { RollupRecord } from '../records.ts'

/** What is summed up. */
export type Sums = Pick<RollupRecord, 'counters' | 'histogram'>

/** Counter by counter, step by step; what one of them lacks counts as 0. */
export function sumOf(one: Sums, other: Sums): Sums {
  const counters = new Map(Object.entries(one.counters))
  for (const [key, count] of Object.entries(other.counters))
    counters.set(key, (counters.get(key) ?? 0) + count)
  const length = Math.max(one.histogram.length, other.histogram.length)
  const histogram = Array.from({ length }, (_, at) => (one.histogram[at] ?? 0) + (other.histogram[at] ?? 0))
  return { counters: Object.fromEntries(counters), histogram }
}
