/** Test 2: a worker that dies at a named point of its work; another one finishes it. */
import type { StorePlace } from '../../../src/cli/open-store.ts'
import type { Crash } from '../processes/crash-worker.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { crashInPrune } from './crash-in-prune.ts'
import { crashOnTheWay } from './crash-on-the-way.ts'
import { noServer } from './under-harm.ts'

/** Where a worker dies in one event's way, and what the receivers have answered when another one has finished it. */
export interface Point {
  readonly name: string
  /** In the worker itself. */
  readonly crash?: Crash
  /** Or in the receiver, which tells the worker to die while it gets the request. */
  readonly moment?: 'request line' | 'body' | 'headers'
  /** Status of the first answer. */
  readonly status?: number
  /** Subscriptions of the event. @default 1 */
  readonly subscriptions?: number
  /** So many requests are answered before the worker dies; the others stay open. @default all */
  readonly answersBefore?: number
  /** Requests that were answered, in all: one of each subscription, and one more where an answer was lost with the worker. */
  readonly answered: number
}

const INSERT_ATTEMPTS = '^\\s*insert into \\S*attempts'

const POINTS: readonly Point[] = [
  { name: 'before the claim', crash: { point: 'before claim' }, answered: 1 },
  { name: 'after the claim', crash: { point: 'after claim' }, answered: 1 },
  { name: 'before the fan-out', crash: { point: 'before snapshot' }, answered: 1 },
  { name: 'before connecting', crash: { point: 'before send' }, answered: 1 },
  { name: 'after the request line', moment: 'request line', answered: 1 },
  { name: 'after the whole body was sent', moment: 'body', answered: 1 },
  { name: 'after the response headers', moment: 'headers', answered: 2 },
  { name: 'after the response', crash: { point: 'after send' }, answered: 2 },
  { name: 'before the outcome is stored', crash: { point: 'before record' }, answered: 2 },
  { name: 'after the outcome is stored', crash: { point: 'after record' }, answered: 1 },
  { name: 'before a retry is scheduled', crash: { point: 'before record' }, status: 500, answered: 2 },
  {
    name: 'inside the transaction that schedules a retry',
    crash: { statement: INSERT_ATTEMPTS },
    status: 500,
    answered: 2,
  },
  { name: 'after a retry is scheduled', crash: { point: 'after record' }, status: 500, answered: 2 },
  {
    name: 'inside the fan-out, after 2 of 5 deliveries',
    crash: { point: 'after record', outcomes: 2 },
    subscriptions: 5,
    answersBefore: 2,
    answered: 5,
  },
  {
    name: 'inside the disabling of an endpoint',
    crash: { point: 'before updateSubscription' },
    status: 410,
    answered: 1,
  },
  {
    name: 'after the disabling of an endpoint',
    crash: { point: 'after updateSubscription' },
    status: 410,
    answered: 1,
  },
]

/** What one run came to. */
export interface CrashFindings {
  readonly answered: number
  /** More answers than there were deliveries. */
  readonly duplicated: number
  readonly lost: number
  readonly problems: readonly string[]
}

type Run = (bench: Bench, place: StorePlace) => Promise<CrashFindings>

const RUNS: readonly Run[] = [
  ...POINTS.map(
    (point): Run =>
      (bench, place) =>
        crashOnTheWay(bench, place, point),
  ),
  crashInPrune,
]
const AT_A_TIME = 9

export const crashPoints: Scenario = {
  number: 2,
  name: 'named crash points',
  kinds: ['postgres', 'sqlite', 'mysql'],
  async run(bench, kind) {
    const problems: string[] = []
    let lost = 0
    let duplicated = 0
    const seeds = bench.full ? 20 : 1
    const runs = Array.from({ length: seeds }, () => RUNS).flat()
    for (let done = 0; done < runs.length; done += AT_A_TIME) {
      const found = await Promise.all(
        runs.slice(done, done + AT_A_TIME).map(async (run) => {
          const place = await bench.place(kind)
          return place === null ? null : run(bench, place)
        }),
      )
      for (const one of found) {
        if (one === null) return noServer(kind)
        duplicated += one.duplicated
        lost += one.lost
        problems.push(...one.problems)
      }
      if (bench.full) bench.say(`  ${Math.min(runs.length, done + AT_A_TIME)} of ${runs.length} runs`)
    }
    return { problems, figures: { lost, duplicated, recovered: 0, unexpected: 0, runs: runs.length } }
  },
}
