/** `npm run torture`: the scenarios of the reliability list on servers of its own. `--help` lists options and scenarios. */
import { parseArgs } from 'node:util'
import type { DatabaseServer } from '../support/databases/server.ts'
import { missingMariadb, startMysql } from '../support/databases/start-mysql.ts'
import { startPostgres } from '../support/databases/start-postgres.ts'
import { runScenario } from './bench/bench.ts'
import { buildPrograms } from './bench/programs.ts'
import { choose, helpText } from './help.ts'
import type { Findings, Kind, Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { openState, type State } from './state.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function refuse(why: string): never {
  say(why)
  process.exit(2)
}

function ask() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        on: { type: 'string' },
        tier: { type: 'string' },
        long: { type: 'boolean', default: false },
        seed: { type: 'string' },
        state: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    refuse(`${(error as Error).message}\n\n${helpText(scenarios)}`)
  }
}

const values = ask()
if (values.help || values.list) {
  say(helpText(scenarios))
  process.exit(0)
}
const runs = choose(scenarios, values.only, values.tier).flatMap((scenario) =>
  scenario.kinds
    .filter((kind) => values.on === undefined || values.on === kind)
    .map((kind) => ({
      scenario,
      kind,
      title: `${scenario.number}. ${scenario.name} (${scenario.stores ?? kind})`,
    })),
)
if (runs.length === 0) refuse(`No scenario is like that.\n\n${helpText(scenarios)}`)
const seed = values.seed === undefined ? undefined : Number(values.seed)
if (seed !== undefined && !Number.isInteger(seed)) refuse('--seed must be a whole number.')
let state: State
try {
  state = openState(values.state, seed, values.long)
} catch (error) {
  refuse((error as Error).message)
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
let endScenario: () => Promise<void> = async () => {}
const endAll = async (): Promise<void> => {
  await endScenario()
  for (const server of started.values()) await (await server)?.stop()
  await built.remove()
}

// The launcher of Postgres has handlers of its own, which would end this process before the rest is cleared away.
let interrupted = false
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (cause: unknown) => {
    // What is being cleared away may well complain.
    if (interrupted) return
    say(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))
    void endAll()
      .catch(() => {})
      .then(() => process.exit(1))
  })
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.removeAllListeners(signal)
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    const again = values.state === undefined ? '' : ' The same command goes on where it stopped.'
    say(`Interrupted: ending what was started.${again}`)
    void endAll()
      .catch(() => {})
      .then(() => process.exit(130))
  })
}

say(`seed ${state.seed}, ${values.long ? 'full' : 'reduced'} counts`)
let bad = 0
try {
  for (const { scenario, kind, title } of runs) {
    const known = state.find(title)
    if (known !== undefined) {
      say(`${title}: done before: ${lineOf(known)}`)
      continue
    }
    say(`${title} …`)
    const found = await attempt(scenario, kind, title)
    if (interrupted) break
    if ('skipped' in found) {
      say(`${title}: LEFT OUT, ${found.skipped}`)
      continue
    }
    say(
      `${title}: ${found.problems.length === 0 ? 'passed' : 'FAILED'}: ${lineOf(found)}, seed ${state.seed}`,
    )
    for (const problem of found.problems) say(`  ${problem}`)
    if (found.problems.length > 0) bad += 1
    else state.keep(title, found)
  }
} finally {
  if (!interrupted) await endAll()
}
if (!interrupted) {
  say(bad === 0 ? 'All passed.' : `${bad} failed. Play it again with --seed ${state.seed}.`)
  process.exitCode = bad === 0 ? 0 : 1
}

async function attempt(scenario: Scenario, kind: Kind, title: string) {
  const given = {
    seed: state.seed,
    full: values.long,
    programs: built.programs,
    say: (line: string) => void (interrupted || say(line)),
    async part(name: string, work: () => Promise<Findings>): Promise<Findings> {
      const known = state.find(`${title}, ${name}`)
      say(`  ${name}${known === undefined ? ' …' : ': done before'}`)
      if (known !== undefined) return known
      const found = await work()
      if (found.problems.length === 0 && !interrupted) state.keep(`${title}, ${name}`, found)
      return found
    },
    onEndings(end: () => Promise<void>) {
      endScenario = end
    },
  }
  try {
    return await runScenario(scenario, kind, given, servers)
  } catch (error) {
    return {
      problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      figures: {},
    }
  }
}
