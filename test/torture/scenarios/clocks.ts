/** Tests 28 and 29: workers whose wall clocks are wrong, or jump while they work. The database's clock decides. */
import { pause } from '../../../src/cli/torture/fleet.ts'
import { nothingHappens } from '../../../src/cli/torture/harms.ts'
import type { Received } from '../../../src/cli/torture/ledger.ts'
import type { Harm, RunResult } from '../../../src/cli/torture/run.ts'
import { fakeClock, noFaketime } from '../bench/fake-clock.ts'
import type { Scenario } from '../scenario.ts'
import { countAttempts } from './attempts.ts'
import { joined } from './joined.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

const MINUTE_S = 60
const SKEWS = [MINUTE_S, 60 * MINUTE_S, 1_440 * MINUTE_S].flatMap((seconds) => [seconds, -seconds])
/** `webhook-timestamp` may be so far from the database's time; it has whole seconds. */
const SIGNED_WITHIN_MS = 2_000
/** The first retry is due after a second. */
const RETRY_MS = 1_000
const RETRY_WITHIN_MS = 5_000

/** What a wrong clock must not change: when a request was signed, and when a delivery is tried again. */
function timely({ received }: RunResult): { problems: string[]; figures: Record<string, number> } {
  const signed = received.map(({ at, signedAt }) => at - signedAt * 1_000)
  const [late, early] = [Math.max(0, ...signed) - 1_000, -Math.min(0, ...signed)]
  const waits = retryWaits(received)
  const [shortest, longest] = [Math.min(...waits), Math.max(...waits)]
  const idle = new Set(received.map(({ worker }) => worker)).size < 3
  return {
    problems: [
      ...(Math.max(late, early) > SIGNED_WITHIN_MS
        ? [`webhook-timestamp was up to ${Math.max(late, early)} ms wrong`]
        : []),
      ...(waits.length === 0 ? ['nothing was tried again'] : []),
      ...(shortest < RETRY_MS ? [`a delivery was tried again after ${shortest} ms already`] : []),
      ...(longest > RETRY_WITHIN_MS ? [`a delivery was tried again after ${longest} ms only`] : []),
      ...(idle ? ['a worker sent nothing'] : []),
    ],
    figures: { 'retries after ms': longest, 'signature off by ms': Math.max(late, early, 0) },
  }
}

/** From a failure's answer to the next request of the delivery. */
function retryWaits(received: readonly Received[]): number[] {
  const last = new Map<string, Received>()
  return [...received]
    .sort((a, b) => a.at - b.at)
    .flatMap((one) => {
      const key = `${one.id} ${one.endpoint}`
      const before = last.get(key)
      last.set(key, one)
      return before === undefined || before.status < 300 || before.answered === null
        ? []
        : [one.at - before.answered]
    })
}

const undisturbed = (result: RunResult) => [
  ...timely(result).problems,
  ...(result.duplicated > 0
    ? [`duplicated ${result.duplicated}, although nothing but a clock was wrong`]
    : []),
]

export const wrongClock: Scenario = {
  number: 28,
  name: 'a worker whose clock is wrong',
  kinds: ['postgres', 'mysql'],
  longMinutes: 8,
  needs: 'faketime',
  async run(bench, kind) {
    const load: Load = bench.full
      ? { workers: 3, events: 4_000, endpoints: 5, spreadMs: 60_000, timeoutMs: 15_000, failing: 0.02 }
      : { workers: 3, events: 150, endpoints: 2, spreadMs: 4_000, timeoutMs: 15_000, failing: 0.1 }
    const parts = []
    for (const skew of bench.full ? SKEWS : [60 * MINUTE_S, -60 * MINUTE_S]) {
      const clock = await fakeClock(bench, skew)
      if (clock === null) return noFaketime
      const place = await bench.place(kind)
      if (place === null) return noServer(kind)
      const name = `${skew < 0 ? 'behind' : 'ahead'} by ${Math.abs(skew) / MINUTE_S} min`
      const environments = [{}, {}, clock.environment]
      const found = await bench.part(name, async () => {
        const figures: Record<string, number> = {}
        const findings = await underHarm(
          bench,
          place,
          load,
          nothingHappens,
          (result) => {
            Object.assign(figures, timely(result).figures)
            return undisturbed(result)
          },
          { environments },
        )
        return { ...findings, figures: { ...findings.figures, ...figures } }
      })
      parts.push({ name, found })
    }
    return joined(parts)
  },
}

const JUMP_S = 10 * MINUTE_S

export const jumpingClock: Scenario = {
  number: 29,
  name: 'clocks that jump while workers send',
  kinds: ['postgres'],
  longMinutes: 2,
  needs: 'faketime',
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const clock = await fakeClock(bench, 0)
    if (clock === null) return noFaketime
    const [jumps, everyMs] = bench.full ? [20, 3_000] : [4, 1_000]
    const load: Load = {
      ...{
        workers: 3,
        endpoints: 4,
        timeoutMs: 5_000,
        answerMs: [100, 2_000],
        concurrency: 60,
        failing: 0.05,
      },
      ...{ events: bench.full ? 1_200 : 80, spreadMs: jumps * everyMs },
    }
    const jump: Harm = async () => {
      for (let index = 0; index < jumps; index++) {
        await pause(everyMs)
        clock.set(index % 2 === 0 ? JUMP_S : -JUMP_S)
      }
    }
    return underHarm(bench, place, load, jump, undisturbed, {
      environments: [{}, clock.environment, clock.environment],
      async inspect({ store }) {
        const cut = await countAttempts(store, ({ status }) => status === null)
        return cut === 0
          ? []
          : [`${cut} attempts ended without an answer, although every receiver answers in time`]
      },
    })
  },
}
