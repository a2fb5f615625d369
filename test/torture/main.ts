/**
 * `npm run torture`: every scenario of the reliability list on servers of its own. `--only 9` or `--only "kill -9"` picks one,
 * `--long` runs the full counts, `--seed` plays a run again, `--state <folder>` goes on where a run was cut off.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DatabaseServer } from '../support/databases/server.ts'
import { missingMariadb, startMysql } from '../support/databases/start-mysql.ts'
import { startPostgres } from '../support/databases/start-postgres.ts'
import { runScenario } from './bench/bench.ts'
import { buildPrograms } from './bench/programs.ts'
import type { Findings, Kind } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    on: { type: 'string' },
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    state: { type: 'string' },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const seed = Number(values.seed ?? 1 + Math.floor(Math.random() * 1_000_000))
const chosen = scenarios.filter(
  ({ number, name }) => values.only === undefined || [String(number), name].includes(values.only),
)
if (!Number.isInteger(seed) || chosen.length === 0) {
  say(
    Number.isInteger(seed)
      ? `There is no scenario "${values.only}". These are there:\n${scenarios.map(({ number, name }) => `  ${number}  ${name}`).join('\n')}`
      : '--seed must be a whole number.',
  )
  process.exit(2)
}

/** What is done already, in `--state`: one entry for each scenario and database. */
interface State {
  readonly seed: number
  readonly long: boolean
  readonly done: Record<string, Findings>
}
const statePath = values.state === undefined ? null : join(values.state, 'torture.json')
const state = readState() ?? { seed, long: values.long, done: {} }

function readState(): State | null {
  if (statePath === null) return null
  mkdirSync(join(statePath, '..'), { recursive: true })
  try {
    const found = JSON.parse(readFileSync(statePath, 'utf8')) as State
    return found.long === values.long && (values.seed === undefined || found.seed === seed) ? found : null
  } catch {
    return null
  }
}

const started = new Map<string, Promise<DatabaseServer | null>>()
async function find(kind: 'postgres' | 'mysql'): Promise<DatabaseServer | null> {
  if (kind === 'postgres') return startPostgres({ settings: ['synchronous_commit=on'] })
  return (await missingMariadb()) === null ? startMysql() : null
}
function servers(kind: 'postgres' | 'mysql'): Promise<DatabaseServer | null> {
  const server = started.get(kind) ?? find(kind)
  started.set(kind, server)
  return server
}

const lineOf = ({ figures }: Findings): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

const built = await buildPrograms()
const endAll = async (): Promise<void> => {
  for (const server of started.values()) await (await server)?.stop()
  await built.remove()
}
process.once('SIGINT', () => void endAll().then(() => process.exit(130)))

say(`seed ${state.seed}, ${values.long ? 'full' : 'reduced'} counts`)
let bad = 0
try {
  for (const scenario of chosen) {
    for (const kind of scenario.kinds.filter((one) => values.on === undefined || one === values.on)) {
      const title = `${scenario.number}. ${scenario.name} (${kind})`
      const known = state.done[title]
      if (known !== undefined) {
        say(`${title}: done before: ${lineOf(known)}`)
        continue
      }
      say(`${title} …`)
      const found = await attempt(scenario, kind)
      if ('skipped' in found) {
        say(`${title}: SKIPPED, ${found.skipped}`)
        continue
      }
      say(
        `${title}: ${found.problems.length === 0 ? 'passed' : 'FAILED'}: ${lineOf(found)}, seed ${state.seed}`,
      )
      for (const problem of found.problems) say(`  ${problem}`)
      if (found.problems.length > 0) bad += 1
      else state.done[title] = found
      if (statePath !== null) writeFileSync(statePath, JSON.stringify(state, null, 2))
    }
  }
} finally {
  await endAll()
}
say(bad === 0 ? 'All passed.' : `${bad} failed. Play it again with --seed ${state.seed}.`)
process.exitCode = bad === 0 ? 0 : 1

async function attempt(scenario: (typeof scenarios)[number], kind: Kind) {
  const given = { seed: state.seed, full: values.long, programs: built.programs, say }
  try {
    return await runScenario(scenario, kind, given, servers)
  } catch (error) {
    return {
      problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      figures: {},
    }
  }
}
