/** The files that a run leaves: `latest.json` and the chart, or `quick.json`, which nobody commits. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chartOf } from './chart.ts'
import type { machine } from './machine.ts'
import type { Mode, Step } from './plan.ts'
import type { Row } from './rounds.ts'

/** A step and what came of it. */
export interface StepResult extends Step {
  readonly rows: readonly Row[]
}

/** All of a run. */
export interface RunResult {
  readonly takenAt: string
  readonly mode: Mode
  /** With the load before the run. */
  readonly machine: ReturnType<typeof machine>
  readonly loadAfter: readonly number[]
  /** How each server was set, or why it was left out. */
  readonly notes: readonly string[]
  readonly steps: readonly StepResult[]
}

const fileNamed = (name: string): string => fileURLToPath(new URL(`./results/${name}`, import.meta.url))

/** Writes JSON as biome would leave it alone; returns the path. */
export async function writeResult(name: string, result: object): Promise<string> {
  await mkdir(fileNamed(''), { recursive: true })
  await writeFile(fileNamed(name), `${JSON.stringify(result, rounded, 2)}\n`)
  return `bench/results/${name}`
}

/** Writes what belongs to the mode of the run; returns the paths. */
export async function keep(result: RunResult): Promise<readonly string[]> {
  if (result.mode === 'quick') return [await writeResult('quick.json', result)]
  const json = await writeResult('latest.json', result)
  await writeFile(fileNamed('chart.svg'), chartOf(result))
  return [json, 'bench/results/chart.svg']
}

/** What `-- --quick --record` has written; null where nothing has. */
export async function readResult<Result>(name: string): Promise<Result | null> {
  const text = await readFile(fileNamed(name), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as Result)
}

/** Four digits say enough. */
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
