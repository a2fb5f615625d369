/** Test 6: a worker whose event loop stands still for longer than its leases last. */
import { groupsOf } from '../../../src/cli/torture/checker.ts'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { type Received, readLedger } from '../../../src/cli/torture/ledger.ts'
import type { Harm, RunResult } from '../../../src/cli/torture/run.ts'
import { ledgers } from '../../../src/cli/torture/settings.ts'
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
      : { events: 320, spreadMs: 8_000, timeoutMs: 5_000, times: 1, blockedMs: 12_000 }
    const harm: Harm = async (fleet, _random, _opened, settings) => {
      const received = () => readLedger<Received>(ledgers(settings.folder).received)
      while (received().length < 50) await pause(20)
      for (let time = 0; time < size.times; time++) {
        await pause(500)
        const worker = busiest(received().slice(-50))
        if (worker !== undefined) await fleet.block(worker, size.blockedMs)
      }
    }
    return underHarm(bench, place, { ...load, ...size }, harm, sentAfterWaking)
  },
}

/** The worker that sent most of these: it has requests in flight now. */
export function busiest(received: readonly Received[]): string | undefined {
  const sent = new Map<string, number>()
  for (const { worker } of received) sent.set(worker, (sent.get(worker) ?? 0) + 1)
  return [...sent].sort(([, one], [, other]) => other - one)[0]?.[0]
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
