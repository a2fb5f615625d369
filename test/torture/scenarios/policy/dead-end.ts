/** Test 44: a receiver that never answers well, over the whole (compressed) schedule, with the breaker off and with it on. */
import { schedule } from '../../../../src/delivery/backoff.ts'
import { anyTenant } from '../../../../src/model.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { openStage } from '../../stage/stage.ts'
import { misnumbered, nonzero } from '../../stage/verdict.ts'
import type { SenderOptions } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

const SENDERS = 3

async function allFailing(bench: Bench, kind: Kind, events: number, options: SenderOptions) {
  const place = await bench.place(kind)
  if (place === null) return null
  const stage = await openStage(bench, place, 1)
  await stage.behave('all', { kind: 'answer', status: 500 })
  await stage.subscribe('acme', 0)
  const senders = []
  for (let n = 0; n < SENDERS; n++) {
    senders.push(await stage.sender({ timeoutMs: 2_000, concurrency: 60, disableAfter: false, ...options }))
  }
  const ids = await stage.publish(Array.from({ length: events }, () => ({ tenantId: 'acme' })))
  const left = await stage.untilQuiet()
  // Their planned stop waits for the hooks that are still to be told.
  for (const sender of senders) await sender.end('SIGTERM')
  const requests = (await stage.arrivals()).length
  const told = stage.told()
  const times = (kindOfTold: string) => {
    const counts = new Map<string, number>()
    for (const { kind: one, deliveryId } of told)
      if (one === kindOfTold) counts.set(deliveryId, (counts.get(deliveryId) ?? 0) + 1)
    return {
      once: [...counts.values()].filter((count) => count === 1).length,
      again: [...counts.values()].filter((count) => count > 1).length,
    }
  }
  const { store } = stage.opened
  const { total: failed } = await store.listDeliveries(
    { tenant: anyTenant, state: 'failed' },
    { limit: 1, total: true },
  )
  const ended = times('ended')
  const exhausted = times('exhausted')
  return {
    requests,
    exhausted: exhausted.once,
    problems: nonzero({
      'left over': left,
      'not failed': ids.length - (failed ?? 0),
      'ended untold': ids.length - ended.once - ended.again,
      'ended twice': ended.again,
      'exhausted untold': ids.length - exhausted.once - exhausted.again,
      'exhausted twice': exhausted.again,
      misnumbered: await misnumbered(stage),
    }),
  }
}

export const everythingFails: Scenario = {
  number: 44,
  name: 'everything fails',
  kinds: ['postgres'],
  async run(bench, kind) {
    const events = bench.full ? 10_000 : 100
    const waits = bench.full ? [1, 1, 2, 2, 3, 3, 4, 4, 5] : [0.3, 0.3, 0.5]
    const retry = schedule(waits.map((seconds) => seconds * 1_000))
    const off = await allFailing(bench, kind, events, { breaker: false, retry })
    const breaker = { spanMs: 500, firstProbeMs: 500, maxProbeMs: 5_000 }
    const maxAgeMs = bench.full ? 120_000 : 8_000
    const on = await allFailing(bench, kind, events, { breaker, retry, maxAgeMs })
    if (off === null || on === null) return noServer(kind)
    const wanted = events * (waits.length + 1)
    return {
      problems: [
        ...off.problems.map((problem) => `breaker off: ${problem}`),
        ...on.problems.map((problem) => `breaker on: ${problem}`),
        ...(off.requests === wanted ? [] : [`breaker off: ${off.requests} requests, not ${wanted}`]),
        ...(on.requests <= off.requests
          ? []
          : [`breaker on: ${on.requests} requests, more than with it off`]),
      ],
      figures: {
        ...{ events, 'schedule length': waits.length + 1 },
        ...{ 'requests, breaker off': off.requests, 'requests, breaker on': on.requests },
        ...{ 'exhausted, breaker off': off.exhausted, 'exhausted, breaker on': on.exhausted },
      },
    }
  },
}
