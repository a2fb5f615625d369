/** What each mode of the bench measures, how much of it and how often. */
import type { Measure } from './measure.ts'
import { CASES, caseNamed, scaled, type Work } from './work.ts'

/** How thorough. */
export type Mode = 'quick' | 'normal' | 'full'

/** One table: everybody does this, in turns, so many rounds. */
export interface Step {
  readonly title: string
  readonly measure: Measure
  readonly work: Work
  /** Events before the clock starts. */
  readonly warmUp: number
  readonly rounds: number
}

interface Amounts {
  /** Share of the full number of events. */
  readonly scale: number
  readonly rounds: number
}

const AMOUNTS: Readonly<
  Record<Mode, { main: Amounts; others: Amounts; publish: Amounts; warmUp: number; latencies: number }>
> = {
  quick: {
    main: { scale: 0.1, rounds: 2 },
    others: { scale: 0, rounds: 0 },
    publish: { scale: 0, rounds: 0 },
    warmUp: 2_000,
    latencies: 0,
  },
  normal: {
    main: { scale: 0.3, rounds: 3 },
    others: { scale: 0.2, rounds: 2 },
    publish: { scale: 0.3, rounds: 2 },
    warmUp: 1_000,
    latencies: 100,
  },
  full: {
    main: { scale: 1, rounds: 5 },
    others: { scale: 1, rounds: 3 },
    publish: { scale: 1, rounds: 3 },
    warmUp: 2_000,
    latencies: 200,
  },
}

const MAIN = ['a', 'b', 'c']
const QUICK = ['a', 'b']

/** The steps of a mode, in order; `scale` makes all counts smaller or larger. */
export function planOf(mode: Mode, hasTls: boolean, scale = 1): readonly Step[] {
  const { main, others, publish, warmUp, latencies } = AMOUNTS[mode]
  const warmUpOf = (work: Work): number => Math.max(Math.ceil(warmUp / work.fanOut), work.tenants)
  const cases = CASES.filter((work) => (mode === 'quick' ? QUICK.includes(work.name) : hasTls || !work.tls))
  const ends = cases.map((work): Step => {
    const { scale: share, rounds } = MAIN.includes(work.name) ? main : others
    const part = scaled(work, share * scale)
    return {
      title: `(${work.name}) ${part.title}`,
      measure: 'end-to-end',
      work: part,
      warmUp: warmUpOf(work),
      rounds,
    }
  })
  if (mode === 'quick') return ends
  const batched = scaled(caseNamed('a'), publish.scale * scale)
  const single = { ...batched, events: Math.ceil(batched.events / 4) }
  const idle = { ...caseNamed('a'), events: latencies }
  return [
    ...ends,
    {
      title: `publish, batches of 500, ${batched.events} events`,
      measure: 'publish batched',
      work: batched,
      warmUp,
      rounds: publish.rounds,
    },
    {
      title: `publish, single calls, 32 at once, ${single.events} events`,
      measure: 'publish single',
      work: single,
      warmUp,
      rounds: publish.rounds,
    },
    {
      title: `idle latency, publish to arrival, ${latencies} events 20 ms apart`,
      measure: 'latency',
      work: idle,
      warmUp: 100,
      rounds: publish.rounds,
    },
  ]
}
