/**
 * How fast Posthorn is, beside a bare loop that stores nothing and beside the job queues that people use for webhooks:
 * one run, in turns, every measurement in a fresh process and a fresh database. README.md beside this file says how to run it.
 */
import { parseArgs } from 'node:util'
import { ENTRANTS, type Entrant, IN_TRANSACTION } from './contenders/index.ts'
import { machine } from './machine.ts'
import { type Mode, planOf, type Step } from './plan.ts'
import { printed } from './report.ts'
import { type Row, runStep } from './rounds.ts'
import { openSitting } from './sitting.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    cases: { type: 'string' },
    contenders: { type: 'string' },
    rounds: { type: 'string' },
  },
})

const mode: Mode = values.quick ? 'quick' : values.full ? 'full' : 'normal'
const list = (text: string | undefined): readonly string[] | null =>
  text?.split(',').map((name) => name.trim()) ?? null

/** The line in progress, over itself on a terminal. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else process.stderr.write(`${line}\n`)
}

function print(text: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  console.log(text)
}

async function main(): Promise<void> {
  const about = machine()
  print(
    `${about.processors} x ${about.model}, ${about.memoryGigabytes} GB, ${about.system}, Node ${about.node}, load ${about.load.join(' ')}`,
  )
  const sitting = await openSitting((line) => print(line))
  try {
    const wanted = list(values.contenders)
    const cases = list(values.cases)
    const entrants: Entrant[] = []
    for (const entrant of ENTRANTS) {
      const chosen = wanted === null || wanted.includes(entrant.name)
      if (chosen && (await sitting.canRun(entrant))) entrants.push(entrant)
    }
    if (!sitting.hasTls) print('left out: the case over TLS, no openssl on the PATH')
    const steps = planOf(mode, sitting.hasTls)
      .filter(
        (step) =>
          cases === null || cases.includes(step.measure === 'end-to-end' ? step.work.name : step.measure),
      )
      .map(
        (step): Step => ({
          ...step,
          rounds: values.rounds === undefined ? step.rounds : Number(values.rounds),
        }),
      )
    for (const step of steps) {
      const rows: readonly Row[] = await runStep(sitting, step, entrantsOf(step, entrants), progress)
      print(printed(step, rows))
    }
  } finally {
    await sitting.close()
  }
}

/** The limit publishes nothing; a publish in a transaction is asked for its latency only. */
function entrantsOf(step: Step, entrants: readonly Entrant[]): readonly Entrant[] {
  if (step.measure === 'end-to-end') return entrants
  if (step.measure !== 'latency') return entrants.filter(({ kind }) => kind !== 'limit')
  const postgres = entrants.some(({ database, kind }) => database === 'postgres' && kind === 'posthorn')
  return postgres ? [...entrants, ...IN_TRANSACTION] : entrants
}

await main()
