/** How the rows of a step are printed. */
import { type Spread, short, written } from './figures.ts'
import type { Step } from './plan.ts'
import type { Row } from './rounds.ts'
import { table } from './table.ts'

const middle = (spread: Spread | null): string => (spread === null ? '-' : short(spread.median))

/** The table of a step, and a line for each thing that went wrong. */
export function printed(step: Step, rows: readonly Row[]): string {
  const text = step.measure === 'latency' ? latencies(rows) : rates(step, rows)
  const wrong = rows.flatMap(({ contender, errors }) => errors.map((error) => `! ${contender}: ${error}`))
  return [`\n${step.title}; ${step.rounds} rounds, median (min–max)`, text, ...wrong].join('\n')
}

function rates(step: Step, rows: readonly Row[]): string {
  const whole = step.measure === 'end-to-end'
  const unit = whole ? 'deliveries/s' : 'events/s'
  const each = whole ? 'delivery' : 'event'
  const heads = [
    '',
    unit,
    'x limit',
    'µs CPU process',
    'µs CPU store',
    'log bytes',
    `statements per ${each}`,
    'MB',
    'others busy',
  ]
  return table(
    heads,
    rows.map((row) => [
      row.contender,
      written(row.perSecond),
      whole ? written(row.ofLimit) : '-',
      middle(row.processMicros),
      middle(row.storeMicros),
      middle(row.logBytes),
      middle(row.statements),
      middle(row.peakMegabytes),
      middle(row.othersBusy),
    ]),
  )
}

function latencies(rows: readonly Row[]): string {
  return table(
    ['', 'p50 ms', 'p99 ms', 'others busy'],
    rows.map((row) => [row.contender, written(row.p50Ms), written(row.p99Ms), middle(row.othersBusy)]),
  )
}
