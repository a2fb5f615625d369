/** One step of the bench: every contender in turns, round after round, the order reversed every other round. */
import { loadavg } from 'node:os'
import type { Entrant } from './contenders/index.ts'
import { quantile, type Spread, spreadOf } from './figures.ts'
import type { Step } from './plan.ts'
import type { Found, Sitting } from './sitting.ts'

/** What a contender did in a step: medians over the rounds. */
export interface Row {
  readonly contender: string
  readonly kind: Entrant['kind']
  readonly rounds: number
  /** Deliveries a second; for the two publish measures events. */
  readonly perSecond: Spread | null
  /** Share of the limit in the same round. */
  readonly ofLimit: Spread | null
  readonly processMicros: Spread | null
  readonly storeMicros: Spread | null
  readonly logBytes: Spread | null
  readonly statements: Spread | null
  readonly peakMegabytes: Spread | null
  /** Of the latency step, over all rounds. */
  readonly p50Ms: Spread | null
  readonly p99Ms: Spread | null
  /** How many processors others kept busy. */
  readonly othersBusy: Spread | null
  /** What went wrong, a line each. */
  readonly errors: readonly string[]
}

/** Runs a step. `progress` is told before and after each run. */
export async function runStep(
  sitting: Sitting,
  step: Step,
  entrants: readonly Entrant[],
  progress: (line: string) => void,
): Promise<readonly Row[]> {
  const found = new Map<string, (Found | null)[]>(entrants.map(({ name }) => [name, []]))
  const errors = new Map<string, string[]>(entrants.map(({ name }) => [name, []]))
  for (let round = 0; round < step.rounds; round++) {
    const order = round % 2 === 0 ? entrants : [...entrants].reverse()
    for (const entrant of order) {
      progress(`round ${round + 1} of ${step.rounds}: ${entrant.name} …`)
      try {
        const one = await sitting.measureOne(entrant, step)
        found.get(entrant.name)?.push(one)
        progress(
          `round ${round + 1} of ${step.rounds}: ${entrant.name} ${one.perSecond.toFixed(0)}/s, load ${loadavg()[0]?.toFixed(1)}`,
        )
      } catch (error) {
        found.get(entrant.name)?.push(null)
        errors.get(entrant.name)?.push(error instanceof Error ? error.message : String(error))
      }
    }
  }
  const limits = found.get('limit') ?? []
  return entrants.map(({ name, kind }) =>
    rowOf(name, kind, found.get(name) ?? [], limits, errors.get(name) ?? []),
  )
}

function rowOf(
  contender: string,
  kind: Entrant['kind'],
  rounds: readonly (Found | null)[],
  limits: readonly (Found | null)[],
  errors: readonly string[],
): Row {
  const of = (pick: (found: Found) => number | null): Spread | null =>
    spreadOf(rounds.map((found) => (found === null ? null : pick(found))))
  const ratios = rounds.map((found, round) => {
    const limit = limits[round]
    return found === null || limit === null || limit === undefined ? null : found.perSecond / limit.perSecond
  })
  return {
    contender,
    kind,
    rounds: rounds.filter((found) => found !== null).length,
    perSecond: of((found) => found.perSecond),
    ofLimit: spreadOf(ratios),
    processMicros: of((found) => found.processMicros),
    storeMicros: of((found) => found.storeMicros),
    logBytes: of((found) => found.logBytes),
    statements: of((found) => found.statements),
    peakMegabytes: of((found) => found.peakMegabytes),
    p50Ms: of((found) => quantile(found.latencies, 0.5)),
    p99Ms: of((found) => quantile(found.latencies, 0.99)),
    othersBusy: of((found) => found.othersBusy),
    errors,
  }
}
