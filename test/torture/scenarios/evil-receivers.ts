/**
 * Tests 33 to 35 and 38, what they cost: every way in which a receiver can misbehave at once, again and again, beside one that behaves.
 * That each comes to the right failure is shown by `test/transports`; here a worker process is measured.
 */
import { once } from 'node:events'
import type { EvilPlace } from '../processes/evil.ts'
import type { Scenario } from '../scenario.ts'
import { openStage, startPart } from '../stage/stage.ts'
import { nonzero } from '../stage/verdict.ts'
import { noServer } from './under-harm.ts'

const MAX_LOOP_MS = 50
const MAX_RSS_MB = 300
const TIMEOUT_MS = 2_000

export const evilReceivers: Scenario = {
  number: 33,
  name: 'every evil receiver at once',
  kinds: ['sqlite', 'postgres'],
  longMinutes: 3,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const stage = await openStage(bench, place, 1)
    const evil = startPart(bench, 'evil', {})
    const [{ port, modes }] = (await once(evil, 'message')) as [EvilPlace]
    await stage.subscribe('acme', 0)
    for (const mode of modes)
      await stage.webhooks.subscriptions.create({ tenantId: 'acme', url: `http://127.0.0.1:${port}/${mode}` })
    const sender = await stage.sender({
      ...{ timeoutMs: TIMEOUT_MS, retry: { delaysMs: [], jitter: 0 }, breaker: false, disableAfter: false },
      ...{ gone: 'retry', throttle: 'delivery', concurrencyPerOrigin: 200 },
    })
    const publish = (events: number) =>
      stage.publish(Array.from({ length: events }, () => ({ tenantId: 'acme' })))
    // The first of each is slower: code that has not run yet.
    const ids = await publish(1)
    await stage.untilQuiet()
    await sender.measure()
    ids.push(...(await publish(bench.full ? 100 : 5)))
    const left = await stage.untilQuiet()
    const { loopP99Ms, maxRssMb } = await sender.measure()
    const good = await stage.arrivals()
    const ended = new Set(stage.told().flatMap((told) => (told.kind === 'ended' ? [told.deliveryId] : [])))
    const owed = ids.length * (modes.length + 1)
    return {
      problems: [
        ...nonzero({
          'left over': left,
          'not ended': owed - ended.size,
          'not received': ids.length - good.length,
        }),
        ...(maxRssMb > MAX_RSS_MB ? [`RSS ${maxRssMb} MB`] : []),
        // Time is judged in the full run alone.
        ...(bench.full && loopP99Ms > MAX_LOOP_MS
          ? [`event loop delay p99 ${Math.round(loopP99Ms)} ms`]
          : []),
      ],
      figures: {
        ...{ modes: modes.length, deliveries: owed },
        ...{ 'loop p99 ms': Math.round(loopP99Ms), 'RSS MB': maxRssMb },
      },
    }
  },
}
