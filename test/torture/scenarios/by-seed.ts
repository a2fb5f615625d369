/** Many runs from consecutive seeds, in parts that a run that was cut off need not do again. */
import type { Bench, Findings } from '../scenario.ts'
import { joined } from './joined.ts'

/** `run` plays the seeds from `first` to `last`. The seed of the bench is the first of all. */
export async function bySeed(
  bench: Bench,
  count: number,
  each: number,
  run: (first: number, last: number) => Promise<Findings>,
): Promise<Findings> {
  const parts: { readonly name: string; readonly found: Findings }[] = []
  for (let done = 0; done < count; done += each) {
    const first = bench.seed + done
    const last = bench.seed + Math.min(done + each, count) - 1
    const name = `seeds ${first} to ${last}`
    parts.push({ name, found: await bench.part(name, () => run(first, last)) })
  }
  return joined(parts)
}
