/**
 * Tests 33 to 35 and 38, what they cost: every way in which a receiver can misbehave at once, again and again, beside one that behaves, with
 * each transport, over http and https.
 * That each comes to the right failure is shown by `test/transports`; here a worker process is measured.
 */
import { once } from 'node:events'
import type { StorePlace } from '../../../src/cli/open-store.ts'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { certificateOf, tlsFixture } from '../../support/evil-receiver.ts'
import type { EvilPlace } from '../processes/evil.ts'
import type { Bench, Findings, Scenario } from '../scenario.ts'
import { openStage, type Stage, startPart } from '../stage/stage.ts'
import { nonzero, repeatsOf } from '../stage/verdict.ts'
import { joined } from './joined.ts'
import { noServer } from './under-harm.ts'

const MAX_LOOP_MS = 50
const MAX_RSS_MB = 300
/**
 * What stays, with as few at once as the list has it: from after the first of each, when the code has run once, to when all have ended and
 * the collector has had its turn. While they run a heap is as large as its garbage may grow; that is held to `MAX_RSS_MB`.
 */
const MAX_GROWTH_MB = 64
/** So often it is looked at, a second apart. */
const LOOKS = 30
const FEW = 20
const TIMEOUT_MS = 2_000

const WAYS = [
  { transport: 'undici', scheme: 'http' },
  { transport: 'undici', scheme: 'https' },
  { transport: 'ky', scheme: 'http' },
  { transport: 'ky', scheme: 'https' },
] as const

type Way = (typeof WAYS)[number] & {
  /** Requests in flight; the rest wait. @default that of the library */
  readonly concurrency: number | undefined
}

export const evilReceivers: Scenario = {
  number: 33,
  name: 'every evil receiver at once',
  kinds: ['sqlite', 'postgres'],
  longMinutes: 30,
  async run(bench, kind) {
    const parts: { readonly name: string; readonly found: Findings }[] = []
    for (const one of WAYS) {
      for (const concurrency of [undefined, FEW]) {
        const name = `${one.transport} over ${one.scheme}, ${concurrency ?? 'all'} at once`
        const place = await bench.place(kind)
        if (place === null) return noServer(kind)
        parts.push({
          name,
          found: await bench.part(name, () => oneWay(bench, place, { ...one, concurrency })),
        })
      }
    }
    return joined(parts)
  },
}

/** One transport over one protocol, in a process of its own. */
async function oneWay(
  bench: Bench,
  place: StorePlace,
  { transport, scheme, concurrency }: Way,
): Promise<Findings> {
  const stage = await openStage(bench, place, 1)
  const secure = scheme === 'https'
  const evil = startPart(bench, 'evil', secure ? { EVIL: JSON.stringify(certificateOf('good')) } : {})
  const [{ port, modes }] = (await once(evil, 'message')) as [EvilPlace]
  await stage.subscribe('acme', 0)
  for (const mode of modes) {
    const url = `${scheme}://127.0.0.1:${port}/${mode}`
    await stage.webhooks.subscriptions.create({ tenantId: 'acme', url })
  }
  const sender = await stage.sender(
    {
      ...{ timeoutMs: TIMEOUT_MS, retry: { delaysMs: [], jitter: 0 }, breaker: false, disableAfter: false },
      ...{ gone: 'retry', throttle: 'delivery', concurrencyPerOrigin: Math.min(200, concurrency ?? 200) },
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    { transport, ...(secure ? { ca: tlsFixture('ca') } : {}) },
  )
  const publish = (events: number) =>
    stage.publish(Array.from({ length: events }, () => ({ tenantId: 'acme' })))
  // The first of each is slower: code that has not run yet.
  const ids = await publish(1)
  await stage.untilQuiet()
  const before = await sender.measure()
  ids.push(...(await publish(bench.full ? 100 : 5)))
  const left = await stage.untilQuiet()
  const { loopP99Ms, maxRssMb } = await sender.measure()
  let after = await sender.measure()
  for (let look = 0; look < LOOKS && after.rssMb - before.rssMb > MAX_GROWTH_MB; look++) {
    await pause(1_000)
    after = await sender.measure()
  }
  const growthMb = Math.max(0, after.rssMb - before.rssMb)
  const good = await stage.arrivals()
  const received = new Set(good.map(({ id }) => id)).size
  const ended = new Set(stage.told().flatMap((told) => (told.kind === 'ended' ? [told.deliveryId] : [])))
  const owed = ids.length * (modes.length + 1)
  await sender.end('SIGTERM')
  const again = await tellRepeats(stage)
  return {
    problems: [
      ...nonzero({
        'left over': left,
        'not ended': owed - ended.size,
        'not received': ids.length - received,
        'received twice': good.length - received,
      }),
      ...again,
      ...(maxRssMb > MAX_RSS_MB ? [`RSS ${maxRssMb} MB`] : []),
      ...(concurrency === FEW && growthMb > MAX_GROWTH_MB
        ? [`RSS grew by ${growthMb} MB, from ${before.rssMb} MB`]
        : []),
      // Time is judged in the full run alone.
      ...(bench.full && loopP99Ms > MAX_LOOP_MS ? [`event loop delay p99 ${Math.round(loopP99Ms)} ms`] : []),
    ],
    figures: {
      ...{ modes: modes.length, deliveries: owed, 'loop p99 ms': Math.round(loopP99Ms) },
      ...{
        'RSS MB': maxRssMb,
        [concurrency === FEW ? `RSS growth MB, ${FEW} at once` : 'RSS growth MB, all at once']: growthMb,
      },
    },
  }
}

/** Of some that came twice: how far apart, and what the store says of the attempts. */
async function tellRepeats(stage: Stage): Promise<string[]> {
  const { store } = stage.opened
  const told: string[] = []
  for (const { one, next } of repeatsOf(await stage.arrivals()).slice(0, 5)) {
    const { rows } = await store.listAttempts({ tenant: 'acme', eventId: one.id }, { limit: 1_000 })
    const attempts = rows
      .filter(({ url }) => url === stage.urls[one.endpoint])
      .map(({ number, startedAt, durationMs, outcome, failure, afterLostClaim, late }) =>
        JSON.stringify({ number, startedAt, durationMs, outcome, failure, afterLostClaim, late }),
      )
    told.push(`came at ${one.at}, again at ${next.at}: ${attempts.join(' ')}`)
  }
  return told
}
