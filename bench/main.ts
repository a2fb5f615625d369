/**
 * How fast Posthorn is, beside a bare loop that stores nothing and beside the job queues that people use for webhooks:
 * one run, in turns, every measurement in a fresh process and a fresh database. README.md beside this file says how to run it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ENTRANTS, type Entrant, IN_TRANSACTION } from './contenders/index.ts'
import { growth } from './growth.ts'
import { guard, RECORDED, type Recorded, ratiosOf } from './guard.ts'
import { machine } from './machine.ts'
import { missingPeers } from './peers-installed.ts'
import { type Mode, planOf, type Step } from './plan.ts'
import { printed } from './report.ts'
import { keep, type StepResult, writeResult } from './results.ts'
import { runStep } from './rounds.ts'
import { openSitting } from './sitting.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    cases: { type: 'string' },
    contenders: { type: 'string' },
    rounds: { type: 'string' },
    scale: { type: 'string' },
    record: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
  },
})

/** Everybody in every case: such a run is kept. */
const isWhole = values.cases === undefined && values.contenders === undefined && !values.growth
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

async function main(): Promise<boolean> {
  const about = machine()
  print(
    `${about.processors} x ${about.model}, ${about.memoryGigabytes} GB, ${about.system}, Node ${about.node}, load ${about.load.join(' ')}`,
  )
  const notes: string[] = []
  const note = (line: string): void => {
    notes.push(line)
    print(line)
  }
  const noPeers = await missingPeers(print)
  if (noPeers !== null) note(`left out: ${noPeers}`)
  const sitting = await openSitting(note)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void sitting.close().finally(() => process.exit(130)))
  }
  try {
    if (values.growth) {
      return await growth(sitting, mode, about, progress, print, list(values.cases))
    }
    const wanted = list(values.contenders)
    const cases = list(values.cases)
    const entrants: Entrant[] = []
    for (const entrant of ENTRANTS) {
      if (entrant.kind === 'peer' && noPeers !== null) continue
      if (entrant.variant === 'tuned' && mode === 'quick' && wanted === null) continue
      const chosen = wanted === null || wanted.includes(entrant.name)
      if (chosen && (await sitting.canRun(entrant))) entrants.push(entrant)
    }
    if (!sitting.hasTls) note('left out: the case over TLS, no openssl on the PATH')
    const plan = planOf(mode, sitting.hasTls, Number(values.scale ?? 1))
      .filter(({ measure, work }) => cases?.includes(measure === 'end-to-end' ? work.name : measure) ?? true)
      .map((step): Step => (values.rounds === undefined ? step : { ...step, rounds: Number(values.rounds) }))
    const steps: StepResult[] = []
    const takenAt = new Date().toISOString()
    let written: readonly string[] = []
    for (const step of plan) {
      const rows = await runStep(sitting, step, entrantsOf(step, entrants), progress)
      steps.push({ ...step, rows })
      print(printed(step, rows))
      // After every step, so that a run that is stopped leaves what it has.
      if (isWhole) {
        const result = { takenAt, mode, machine: about, loadAfter: machine().load, notes, steps }
        written = await keep(result)
      }
    }
    if (written.length > 0) print(`\nwritten: ${written.join(', ')}`)
    if (mode !== 'quick') return true
    if (!values.record) return await guard(sitting, steps, entrants, progress, print)
    const recorded: Recorded = { takenAt, machine: about, ratios: ratiosOf(steps) }
    print(`recorded: ${await writeResult(RECORDED, recorded)}`)
    return true
  } finally {
    await sitting.close()
  }
}

/** The two small benches beside the big one, in processes of their own. */
async function alone(file: string, ...given: string[]): Promise<void> {
  print(`\n${file}`)
  const path = fileURLToPath(new URL(`./${file}`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...given], { stdio: 'inherit' })
  await once(child, 'exit')
}

/** The limit publishes nothing; a publish in a transaction is asked for its latency only. */
function entrantsOf(step: Step, entrants: readonly Entrant[]): readonly Entrant[] {
  if (step.measure === 'end-to-end') return entrants
  if (step.measure !== 'latency') return entrants.filter(({ kind }) => kind !== 'limit')
  const postgres = entrants.some(({ database, kind }) => database === 'postgres' && kind === 'posthorn')
  return postgres ? [...entrants, ...IN_TRANSACTION] : entrants
}

const held = await main()
if (mode !== 'quick' && isWhole) {
  await alone('signing.ts', mode === 'full' ? '41' : '11')
  await alone('transports.ts', '1', mode === 'full' ? '5' : '3')
}
if (!held) process.exitCode = 1
