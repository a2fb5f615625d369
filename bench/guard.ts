/**
 * The regression guard: compares the ratios of a quick run with recorded ones. Only a ratio that stays below half of its
 * record in three tries fails, so that a busy machine does not.
 */
import type { Entrant } from './contenders/index.ts'
import type { machine } from './machine.ts'
import type { Step } from './plan.ts'
import { readResult, type StepResult } from './results.ts'
import { type Row, runStep } from './rounds.ts'
import type { Sitting } from './sitting.ts'
import { table } from './table.ts'

/** bench/results/recorded.json: by case and contender, deliveries a second as a share of the limit. */
export interface Recorded {
  readonly takenAt: string
  readonly machine: ReturnType<typeof machine>
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export const RECORDED = 'recorded.json'
const TRIES = 3

interface Verdict {
  readonly step: Step
  readonly row: Row
  readonly recorded: number | null
  readonly tries: readonly number[]
}

/** What `-- --quick --record` writes. */
export function ratiosOf(steps: readonly StepResult[]): Recorded['ratios'] {
  return Object.fromEntries(
    steps.map(({ work, rows }) => [
      work.name,
      Object.fromEntries(
        rows.flatMap((row) =>
          row.kind === 'limit' || row.ofLimit === null ? [] : [[row.contender, row.ofLimit.median]],
        ),
      ),
    ]),
  )
}

const held = ({ recorded, tries }: Verdict): boolean =>
  recorded === null || tries.some((ratio) => ratio >= recorded / 2)

/** Compares, tries again where it must, prints; false when something stayed below half of its record. */
export async function guard(
  sitting: Sitting,
  steps: readonly StepResult[],
  entrants: readonly Entrant[],
  progress: (line: string) => void,
  print: (text: string) => void,
): Promise<boolean> {
  const recorded = await readResult<Recorded>(RECORDED)
  if (recorded === null) {
    print(
      '\nNothing is recorded to compare with: run `npm run bench -- --quick --record` on a quiet machine.',
    )
    return true
  }
  const verdicts: Verdict[] = []
  for (const step of steps) {
    for (const row of step.rows.filter(({ kind }) => kind === 'posthorn')) {
      const record = recorded.ratios[step.work.name]?.[row.contender] ?? null
      verdicts.push(await tryAgain({ step, row, recorded: record, tries: [row.ofLimit?.median ?? 0] }))
    }
  }
  print(
    `\nShare of the limit, beside what was recorded at ${recorded.takenAt} (load ${recorded.machine.load[0]})`,
  )
  print(
    table(
      ['', 'case', 'now', 'recorded', ''],
      verdicts.map((verdict) => [
        verdict.row.contender,
        verdict.step.work.name,
        verdict.tries.map((ratio) => ratio.toFixed(2)).join(', '),
        verdict.recorded?.toFixed(2) ?? '-',
        held(verdict) ? '' : `below half in ${TRIES} tries`,
      ]),
    ),
  )
  return verdicts.every(held)

  async function tryAgain(verdict: Verdict): Promise<Verdict> {
    if (held(verdict) || verdict.tries.length === TRIES) return verdict
    const { step, row, tries } = verdict
    const two = entrants.filter(({ kind, name }) => kind === 'limit' || name === row.contender)
    const again = (await runStep(sitting, { ...step, rounds: 1 }, two, progress)).find(
      ({ contender }) => contender === row.contender,
    )
    return tryAgain({ ...verdict, tries: [...tries, again?.ofLimit?.median ?? 0] })
  }
}
