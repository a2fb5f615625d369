/** Test 24: several processes and a long reader over one SQLite file. */
import { statSync } from 'node:fs'
import { DatabaseSync } from '@photostructure/sqlite'
import { pause } from '../../../src/cli/torture/fleet.ts'
import type { Harm } from '../../../src/cli/torture/run.ts'
import type { Scenario } from '../scenario.ts'
import { fileOf } from './power-cut.ts'
import { noServer, underHarm } from './under-harm.ts'

const MAX_WAL = 64 * 1024 * 1024
const MAX_WAIT_MS = 5_000

export const contention: Scenario = {
  number: 24,
  name: 'SQLite contention',
  kinds: ['sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const file = fileOf(place.url)
    const load = bench.full
      ? { workers: 3, events: 4_000, endpoints: 5, spreadMs: 60_000, timeoutMs: 15_000, readMs: 3_000 }
      : { workers: 3, events: 300, endpoints: 3, spreadMs: 4_000, timeoutMs: 5_000, readMs: 1_000 }
    let largest = 0
    let reads = 0
    /** Long read transactions, one after the other: what is written meanwhile stays in the log, and leaves it in the gaps. */
    const reading: Harm = async (fleet) => {
      while (fleet.said.published === 0) await pause(5)
      const reader = new DatabaseSync(file)
      const count = () => JSON.stringify(reader.prepare('select count(*) as n from posthorn_events').all()[0])
      while (!fleet.said.produced && !fleet.said.gone) {
        reader.exec('begin')
        const seen = count()
        for (const until = performance.now() + load.readMs; performance.now() < until; await pause(20)) {
          largest = Math.max(largest, statSync(`${file}-wal`).size)
        }
        if (count() !== seen) throw new Error('The reader did not keep its snapshot.')
        reader.exec('commit')
        reads += 1
        await pause(100)
      }
      reader.close()
    }
    let slowest = 0
    const found = await underHarm(bench, place, load, reading, ({ refusals, published }) => {
      const begun = new Map(published.map(({ kind: what, id, at }) => [`${what} ${id}`, at]))
      const waits = published
        .filter(({ kind: what }) => what === 'acknowledged')
        .map(({ id, at }) => at - (begun.get(`invoked ${id}`) ?? 0))
      slowest = Math.max(...waits)
      return [
        ...(refusals.length === 0 ? [] : [`${refusals.length} publishes refused: ${refusals[0]}`]),
        ...(slowest <= MAX_WAIT_MS ? [] : [`a publish waited for ${slowest} ms`]),
      ]
    })
    return {
      problems: [...found.problems, ...(largest <= MAX_WAL ? [] : [`the log grew to ${largest} bytes`])],
      figures: {
        ...found.figures,
        'slowest publish ms': slowest,
        'largest log KB': Math.round(largest / 1024),
        'long reads': reads,
      },
    }
  },
}
