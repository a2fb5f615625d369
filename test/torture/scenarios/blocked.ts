/** Test 6: a worker whose event loop stands still for longer than its leases last. */
import { groupsOf } from '../../../src/cli/torture/checker.ts'
import { blocks } from '../../../src/cli/torture/harms.ts'
import type { Received } from '../../../src/cli/torture/ledger.ts'
import type { RunResult } from '../../../src/cli/torture/run.ts'
import type { Scenario } from '../scenario.ts'
import { noServer, underHarm } from './under-harm.ts'

export const blockedLoop: Scenario = {
  number: 6,
  name: 'blocked event loop',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const load = { workers: 3, endpoints: 3, answerMs: [200, 600] as const }
    const size = bench.full
      ? { events: 20_000, spreadMs: 700_000, timeoutMs: 15_000, times: 10, blockedMs: 65_000 }
      : { events: 220, spreadMs: 5_000, timeoutMs: 1_000, times: 1, blockedMs: 3_000 }
    const harm = blocks({ times: size.times, everyMs: 1_000, blockedMs: size.blockedMs })
    return underHarm(bench, place, { ...load, ...size }, harm, sentAfterWaking)
  },
}

/** Requests that a worker began after it woke, although another worker had delivered the same meanwhile; and blocks that hit nothing. */
function sentAfterWaking({ received, log: faults }: RunResult): string[] {
  const groups = groupsOf(received)
  let inFlight = 0
  const stale: string[] = []
  faults.forEach((block, index) => {
    const wake = faults[index + 1]
    if (block.kind !== 'block' || wake === undefined) return
    const during = (at: number | null) => at !== null && at >= block.at && at <= wake.at
    const nextFault = faults[index + 2]?.at ?? Number.POSITIVE_INFINITY
    inFlight += received.filter(
      ({ worker, at, answered }) => worker === block.worker && at < block.at && during(answered),
    ).length
    const isLate = ({ worker, at }: Received) => worker === block.worker && at > wake.at && at < nextFault
    for (const [key, group] of groups) {
      const taken = group.find(({ worker, answered }) => worker !== block.worker && during(answered))
      if (taken !== undefined && group.some(isLate)) {
        stale.push(`${key}: ${block.worker} sent it after it woke, ${taken.worker} had delivered it`)
      }
    }
  })
  return [
    ...stale.slice(0, 3),
    ...(inFlight > 0 ? [] : ['no request was in flight when a worker was blocked']),
  ]
}
