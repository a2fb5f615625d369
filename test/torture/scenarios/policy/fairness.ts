/** Tests 41 and 42, and the healthy receivers beside a hanging one, measured: one bad or busy receiver takes nothing from the others. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { openStage, type Sender } from '../../stage/stage.ts'
import { countsOf, nonzero, percentile } from '../../stage/verdict.ts'
import type { Behaviour, SenderOptions } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

interface Size {
  readonly tenants: number
  readonly seconds: number
  /** Events of the first tenant. */
  readonly backlog: number
}

const SENDERS = 3
/** 60 slots in all. */
const SLOTS = 20
const CAP = 10
const OPTIONS: SenderOptions = { concurrency: SLOTS, concurrencyPerSubscription: CAP }
const MAX_P95_MS = 1_000
const MAX_P99_MS = 1_000

const tenant = (n: number) => ({ tenantId: `tenant-${n}` })

/** What the others saw while the first tenant had so much, and what it took. */
interface Seen {
  /** From the publish to the answer, in ms. */
  readonly tookMs: readonly number[]
  /** The same of the first seconds, in which processes start that find a backlog. */
  readonly atFirstMs: readonly number[]
  readonly peak: number
  readonly problems: readonly string[]
}

/**
 * One event a second to each of the others, until `isOver` says that it is enough. Published by the senders themselves, which
 * need no poll to see them: else the time between two polls would hide whatever the bad one costs.
 */
async function trickle(senders: readonly Sender[], tenants: number, isOver: (second: number) => boolean) {
  const owed: { id: string; endpoint: number }[] = []
  for (let second = 0, begun = Date.now(); !isOver(second); second++) {
    for (let part = 0; part < 10; part++) {
      const turn = Array.from({ length: tenants - 1 }, (_, n) => n + 1).filter((n) => n % 10 === part)
      const ids = (await senders[part % senders.length]?.publish(turn.map(tenant))) ?? []
      owed.push(...ids.map((id, index) => ({ id, endpoint: turn[index] ?? 0 })))
      await pause(Math.max(0, begun + second * 1_000 + (part + 1) * 100 - Date.now()))
    }
  }
  return owed
}

async function beside(
  bench: Bench,
  kind: Kind,
  { tenants, seconds, backlog }: Size,
  { breaker }: Pick<SenderOptions, 'breaker'>,
): Promise<Seen | null> {
  const place = await bench.place(kind)
  if (place === null) return null
  const stage = await openStage(bench, place, tenants)
  await stage.behave('all', { kind: 'answer', answerMs: [5, 50] })
  await stage.behave([0], { kind: 'hang' })
  for (let n = 0; n < tenants; n++) await stage.subscribe(`tenant-${n}`, n)
  const bad = await stage.publish(Array.from({ length: backlog }, () => tenant(0)))
  const options = { ...OPTIONS, ...(breaker === undefined ? {} : { breaker }) }
  const senders = await Promise.all(Array.from({ length: SENDERS }, () => stage.sender(options)))
  const owed = await trickle(senders, tenants, (second) => second >= seconds)
  await stage.untilQuiet(bad.length)
  const url = stage.urls[0] ?? ''
  const peaks: number[] = []
  for (const sender of senders) {
    peaks.push((await sender.measure()).peakByUrl[url] ?? 0)
    await sender.end('SIGKILL')
  }
  const arrivals = (await stage.arrivals()).filter(({ endpoint }) => endpoint > 0)
  const peak = Math.max(...peaks)
  const begun = arrivals.reduce((least, { sent }) => Math.min(least, sent), Number.POSITIVE_INFINITY)
  const firstMs = bench.full ? 10_000 : 1_000
  const took = (isFirst: boolean) =>
    arrivals
      .filter(({ sent }) => sent - begun < firstMs === isFirst)
      .map(({ sent, at, answered }) => (answered ?? at) - sent)
  return {
    tookMs: took(false),
    atFirstMs: took(true),
    peak,
    problems: [
      ...nonzero(countsOf(arrivals, owed)),
      ...(peak > CAP ? [`${peak} requests at a time to the bad one in one process`] : []),
      ...(backlog > 0 && peak === 0 ? ['the bad one was never asked'] : []),
    ],
  }
}

const p95 = (tookMs: readonly number[]) => Math.round(percentile(tookMs, 0.95))
const ratio = (beside: readonly number[], without: readonly number[]) =>
  Math.round((100 * percentile(beside, 0.95)) / Math.max(1, percentile(without, 0.95))) / 100

export const hangingTenant: Scenario = {
  number: 41,
  name: 'a tenant that hangs',
  kinds: ['postgres'],
  async run(bench, kind) {
    const size = bench.full
      ? { tenants: 100, seconds: 600, backlog: 10_000 }
      : { tenants: 20, seconds: 4, backlog: 300 }
    const calm = { ...size, backlog: 0, seconds: bench.full ? 180 : size.seconds }
    // Off, so that nothing but its share keeps the bad one in its place.
    const alone = await beside(bench, kind, calm, { breaker: false })
    const hung = await beside(bench, kind, size, { breaker: false })
    if (alone === null || hung === null) return noServer(kind)
    const times = ratio(hung.tookMs, alone.tookMs)
    // Time is judged in the full run alone.
    const slow = [
      ...(times > 2 ? [`p95 is ${times} times what it is without it`] : []),
      ...(p95([...hung.atFirstMs, ...hung.tookMs]) > MAX_P95_MS ? [`p95 ${p95(hung.tookMs)} ms`] : []),
    ]
    return {
      problems: [...alone.problems, ...hung.problems, ...(bench.full ? slow : [])],
      figures: {
        ...{
          healthy: hung.tookMs.length,
          'p95 ms': p95(hung.tookMs),
          'p95 ms without it': p95(alone.tookMs),
        },
        ...{ 'p95 ms at first': p95(hung.atFirstMs), 'p95 ms at first without it': p95(alone.atFirstMs) },
        ...{ ratio: times, 'slots of the bad one': hung.peak },
      },
    }
  },
}

const TARGET = 1.2

export const healthyBesideHanging: Scenario = {
  number: 81,
  name: 'healthy p95 beside a hanging endpoint with a backlog',
  longMinutes: 20,
  kinds: ['postgres'],
  async run(bench, kind) {
    const size = bench.full
      ? { tenants: 100, seconds: 120, backlog: 10_000 }
      : { tenants: 10, seconds: 3, backlog: 200 }
    const variants = {
      without: { size: { ...size, backlog: 0 }, breaker: undefined },
      'breaker off': { size, breaker: false },
      'breaker on': { size, breaker: undefined },
    } as const
    const took: Record<keyof typeof variants, number[]> = {
      without: [],
      'breaker off': [],
      'breaker on': [],
    }
    const problems: string[] = []
    // In turns, so that what else the machine does falls on all alike.
    for (let round = 0; round < (bench.full ? 3 : 1); round++) {
      for (const [name, { size: of, breaker }] of Object.entries(variants)) {
        const seen = await beside(bench, kind, of, breaker === undefined ? {} : { breaker })
        if (seen === null) return noServer(kind)
        took[name as keyof typeof variants].push(...seen.tookMs)
        problems.push(...seen.problems.map((problem) => `${name}: ${problem}`))
      }
    }
    const ratios = {
      'ratio with the breaker off': ratio(took['breaker off'], took.without),
      'ratio with the breaker on': ratio(took['breaker on'], took.without),
    }
    const slow = Object.entries(ratios).filter(([, value]) => value > TARGET)
    return {
      problems: [...problems, ...(bench.full ? slow.map(([name, value]) => `${name}: ${value}`) : [])],
      figures: {
        ...ratios,
        ...Object.fromEntries(Object.entries(took).map(([name, list]) => [`p95 ms ${name}`, p95(list)])),
        backlog: size.backlog,
      },
    }
  },
}

export const flood: Scenario = {
  number: 42,
  name: 'a flood',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { tenants, events } = bench.full
      ? { tenants: 100, events: 100_000 }
      : { tenants: 10, events: 2_000 }
    const stage = await openStage(bench, place, tenants)
    const quick: Behaviour = { kind: 'answer', answerMs: [5, 50] }
    await stage.behave('all', quick)
    for (let n = 0; n < tenants; n++) await stage.subscribe(`tenant-${n}`, n)
    const senders = await Promise.all(Array.from({ length: SENDERS }, () => stage.sender(OPTIONS)))
    let flooded = false
    const flooding = stage
      .publish(Array.from({ length: events }, () => tenant(0)))
      .then(async (ids) => {
        await stage.untilQuiet(tenants)
        return ids.map((id) => ({ id, endpoint: 0 }))
      })
      .finally(() => {
        flooded = true
      })
    const others = await trickle(senders, tenants, () => flooded)
    const flow = await flooding
    const left = await stage.untilQuiet()
    const arrivals = await stage.arrivals()
    const waits = arrivals.filter(({ endpoint }) => endpoint > 0).map(({ at, sent }) => at - sent)
    const [first, last] = [Math.min, Math.max].map((edge) =>
      arrivals
        .filter(({ endpoint }) => endpoint === 0)
        .reduce((at, one) => edge(at, one.at), arrivals[0]?.at ?? 0),
    )
    const p99 = Math.round(percentile(waits, 0.99))
    return {
      problems: [
        ...nonzero({ ...countsOf(arrivals, [...others, ...flow]), 'left over': left }),
        ...(waits.length < tenants - 1 ? ['the flood was over before the others had an event each'] : []),
        ...(bench.full && p99 > MAX_P99_MS ? [`p99 ${p99} ms`] : []),
      ],
      figures: {
        ...{
          flood: events,
          healthy: waits.length,
          'p99 ms': p99,
          'p50 ms': Math.round(percentile(waits, 0.5)),
        },
        'flood per s': Math.round(events / Math.max(0.001, ((last ?? 0) - (first ?? 0)) / 1_000)),
      },
    }
  },
}
