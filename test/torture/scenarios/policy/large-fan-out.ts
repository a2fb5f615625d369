/** Test 54: bodies of a megabyte to many endpoints: stored once, and never in the way of the event loop. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Scenario } from '../../scenario.ts'
import { openStage } from '../../stage/stage.ts'
import { countsOf, nonzero } from '../../stage/verdict.ts'
import { noServer } from '../under-harm.ts'

const TEXT = 'x'.repeat(1_000_000)
const PER_SECOND = 20
const MAX_LOOP_MS = 30
const MAX_RSS_MB = 300

export const largeFanOut: Scenario = {
  number: 54,
  name: 'a large fan-out of large bodies',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { endpoints, events } = bench.full ? { endpoints: 100, events: 200 } : { endpoints: 10, events: 4 }
    const stage = await openStage(bench, place, endpoints)
    for (let endpoint = 0; endpoint < endpoints; endpoint++) await stage.subscribe('acme', endpoint)
    const sender = await stage.sender({ concurrency: 100, maxBodyBytes: 1_048_576 })
    await sender.measure()
    const ids: string[] = []
    const begun = Date.now()
    for (let event = 0; event < events; event++) {
      ids.push(...(await stage.publish([{ tenantId: 'acme', data: { text: TEXT } }])))
      await pause(Math.max(0, begun + ((event + 1) * 1_000) / PER_SECOND - Date.now()))
    }
    const left = await stage.untilQuiet()
    const s = (Date.now() - begun) / 1_000
    const { loopP99Ms, maxRssMb } = await sender.measure()
    await sender.end('SIGTERM')
    const owed = ids.flatMap((id) => Array.from({ length: endpoints }, (_, endpoint) => ({ id, endpoint })))
    const { query } = stage.opened
    const [stored] = await query(
      'select count(*) as n, coalesce(sum(length(body)), 0) as size from posthorn.events',
    )
    const [copies] = await query('select count(*) as n from posthorn.deliveries where body is not null')
    const excess = Number(stored?.size) - events * (TEXT.length + 300)
    return {
      problems: [
        ...nonzero({ ...countsOf(await stage.arrivals(), owed), 'left over': left }),
        ...nonzero({
          'events too many': Number(stored?.n) - events,
          'bodies of deliveries': Number(copies?.n),
        }),
        ...(excess > 0 ? [`${excess} characters are stored more than once`] : []),
        ...(maxRssMb > MAX_RSS_MB ? [`RSS ${maxRssMb} MB`] : []),
        // Time is judged in the full run alone.
        ...(bench.full && loopP99Ms > MAX_LOOP_MS
          ? [`event loop delay p99 ${Math.round(loopP99Ms)} ms`]
          : []),
      ],
      figures: {
        ...{ deliveries: owed.length, 'loop p99 ms': Math.round(loopP99Ms), 'RSS MB': maxRssMb },
        ...{ 'events per s': Math.round((10 * events) / s) / 10, 'MB per s': Math.round(owed.length / s) },
      },
    }
  },
}
