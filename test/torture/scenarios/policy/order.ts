/**
 * Test 47, and the line of 10,000: the order of every key under failures and workers that are killed. One key is stuck all
 * the while, and nobody waits for it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { seeded } from '../../../../src/cli/torture/random.ts'
import { schedule } from '../../../../src/delivery/backoff.ts'
import type { Bench, Findings, Kind, Scenario } from '../../scenario.ts'
import { openStage, type Sender } from '../../stage/stage.ts'
import { countsOf, misnumbered, nonzero, repeatsOf, succeeded } from '../../stage/verdict.ts'
import type { Arrival, SenderOptions } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

interface Size {
  readonly keys: number
  readonly each: number
  readonly kills: number
  readonly everyMs: number
}

const STUCK = 'stuck'
const STUCK_EVENTS = 3
const FAILS = { failShare: 0.1, answerMs: [1, 20] } as const
const WORKERS = 3
const OPTIONS: SenderOptions = {
  ...{ timeoutMs: 2_000, concurrency: 60, concurrencyPerSubscription: 20, concurrencyPerOrigin: 20 },
  ...{ breaker: false, disableAfter: false },
  // Long enough for the stuck key to be stuck to the end: an hour.
  retry: schedule([...Array.from({ length: 60 }, () => 500), ...Array.from({ length: 40 }, () => 90_000)]),
}

export const fifo: Scenario = {
  number: 47,
  name: 'order by key under failures and kills',
  kinds: ['postgres', 'mysql', 'sqlite'],
  run: (bench, kind) =>
    inOrder(
      bench,
      kind,
      bench.full
        ? { keys: 1_000, each: 20, kills: 10, everyMs: 3_000 }
        : { keys: 40, each: 8, kills: 3, everyMs: 700 },
    ),
}

export const longLine: Scenario = {
  number: 82,
  name: '10,000 deliveries of a key in order under 10 kills',
  longMinutes: 20,
  kinds: ['postgres', 'mysql', 'sqlite'],
  run: (bench, kind) =>
    inOrder(
      bench,
      kind,
      bench.full
        ? { keys: 2, each: 10_000, kills: 10, everyMs: 60_000 }
        : { keys: 2, each: 60, kills: 2, everyMs: 700 },
    ),
}

async function inOrder(bench: Bench, kind: Kind, size: Size): Promise<Findings | { skipped: string }> {
  const place = await bench.place(kind)
  if (place === null) return noServer(kind)
  const stage = await openStage(bench, place, 1)
  await stage.behave([0], { kind: 'answer', failKey: STUCK, ...FAILS })
  await stage.subscribe('acme', 0, { ordering: 'key' })
  const stuck = Array.from({ length: STUCK_EVENTS }, () => ({ tenantId: 'acme', orderingKey: STUCK }))
  const ids = await stage.publish(stuck, 1)

  const senders: Sender[] = []
  for (let n = 0; n < WORKERS; n++) senders.push(await stage.sender(OPTIONS))
  const keys = Array.from({ length: size.keys }, (_, key) => ({ tenantId: 'acme', orderingKey: `k${key}` }))
  const events = Array.from({ length: size.each }, () => keys).flat()
  const begun = Date.now()
  // No call holds two events of one key: only of calls that end before the next begins is an order promised.
  const publishing = stage.publish(events, Math.min(keys.length, 200))
  const killed = new Set<string>()
  const random = seeded(bench.seed)
  for (let kill = 0; kill < size.kills; kill++) {
    await pause(size.everyMs)
    const index = random.between(0, WORKERS - 1)
    const victim = senders[index]
    if (victim === undefined) continue
    killed.add(victim.name)
    await victim.end('SIGKILL')
    senders[index] = await stage.sender(OPTIONS)
  }
  ids.push(...(await publishing))
  const leftBeside = await stage.untilQuiet(STUCK_EVENTS)
  const waited = (await stage.arrivals()).filter((one) => one.key === STUCK && succeeded(one)).length
  await stage.behave([0], { kind: 'answer', ...FAILS })
  const left = await stage.untilQuiet()
  const tookMs = Date.now() - begun
  for (const sender of senders) await sender.end('SIGTERM')

  const arrivals = await stage.arrivals()
  const { duplicated, ...counts } = countsOf(
    arrivals,
    ids.map((id) => ({ id, endpoint: 0 })),
  )
  const wrong = {
    ...counts,
    inverted: invertedKeys(arrivals),
    unexplained: repeatsOf(arrivals).filter(({ one }) => !killed.has(one.worker)).length,
    'behind the stuck key': leftBeside > STUCK_EVENTS ? leftBeside - STUCK_EVENTS : 0,
    'past the stuck key': waited,
    'left over': left,
    misnumbered: await misnumbered(stage),
  }
  const failed = arrivals.filter(({ status }) => status === 500).length
  return {
    problems: [...nonzero(wrong), ...(failed === 0 ? ['nothing failed: the run proves little'] : [])],
    figures: {
      ...{ lost: counts.lost, duplicated, unexpected: counts.unexpected, inverted: wrong.inverted },
      ...{ deliveries: ids.length, keys: size.keys, requests: arrivals.length, failed, kills: killed.size },
      s: Math.round(tookMs / 1_000),
    },
  }
}

/** Keys whose first successes are not in the order of publishing. */
function invertedKeys(arrivals: readonly Arrival[]): number {
  const firsts = new Map<string, Set<number>>()
  for (const one of arrivals) {
    if (!succeeded(one)) continue
    const known = firsts.get(one.key)
    if (known === undefined) firsts.set(one.key, new Set([one.n]))
    else known.add(one.n)
  }
  return [...firsts.values()].filter((order) => {
    const seen = [...order]
    return seen.some((n, index) => n < (seen[index - 1] ?? -1))
  }).length
}
