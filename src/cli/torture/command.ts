/** `posthorn torture --url …`: the harm that a user's own database can be shown to survive, in tables of its own. */
import { randomInt } from 'node:crypto'
import { PosthornError } from '../../errors.ts'
import type { Invocation } from '../main.ts'
import { type OpenedStore, openStore, type StorePlace } from '../open-store.ts'
import { failures } from './checker.ts'
import { cutPostgres, cuts, deploys, kills, zombies } from './harms.ts'
import { type Harm, type RunResult, run } from './run.ts'
import type { RunSettings } from './settings.ts'

interface Chapter {
  readonly name: string
  readonly harm: (minutes: number) => Harm
  /** What a run says before it leaves the chapter out; null where it runs. */
  readonly leftOut?: (url: string) => string | null
}

const TIMEOUT_MS = 2_000
const LEASE_MS = 2 * TIMEOUT_MS

const chapters: readonly Chapter[] = [
  { name: 'kill -9', harm: (minutes) => kills({ times: Math.ceil(25 * minutes), everyMs: 1_000 }) },
  {
    name: 'zombies (SIGSTOP)',
    harm: (minutes) => zombies({ times: Math.ceil(2 * minutes), everyMs: 1_000, frozenMs: 2 * LEASE_MS }),
  },
  { name: 'rolling deploys', harm: (minutes) => deploys({ times: Math.ceil(15 * minutes), everyMs: 1_000 }) },
  {
    name: 'cut connections',
    harm: (minutes) => cuts({ times: Math.ceil(25 * minutes), everyMs: 1_000 }, cutPostgres),
    leftOut: (url) => (/^postgres/.test(url) ? null : 'only Postgres ends connections by a statement'),
  },
]

export async function tortureCommand(invocation: Invocation): Promise<number> {
  const { place, minutes, write, entry } = invocation
  const seed = invocation.seed ?? randomInt(1, 1_000_000)
  if (!Number.isInteger(seed) || !(minutes > 0)) {
    throw new PosthornError('INVALID_OPTION', '--seed must be a whole number, and --minutes a positive one.')
  }
  const { chosen, leftOut } = choose(place.url)
  write(`seed ${seed}: ${chosen.map(({ name }) => name).join(', ')}.`)
  for (const line of leftOut) write(line)
  let bad = 0
  for (const chapter of chosen) {
    const result = await inScratch(place, seed, (scratch) =>
      run({
        entry,
        workers: 3,
        settings: settingsOf(scratch, seed, minutes),
        harm: chapter.harm(minutes / chapters.length),
      }),
    )
    const wrong = failures(result)
    if (wrong.length > 0) bad += 1
    write(`${chapter.name}: ${sentence(result)}${wrong.length === 0 ? '' : `  FAILED: ${wrong.join(', ')}`}`)
  }
  write(bad === 0 ? 'Nothing was lost.' : `Something went wrong. Play it again with --seed ${seed}.`)
  return bad === 0 ? 0 : 1
}

/** The chapters that this database can be put through, and a line for each thing that it is spared. */
function choose(url: string): { readonly chosen: readonly Chapter[]; readonly leftOut: readonly string[] } {
  const judged = chapters.map((chapter) => ({ chapter, why: chapter.leftOut?.(url) ?? null }))
  const spared = judged.flatMap(({ chapter, why }) => (why === null ? [] : [`${chapter.name}: ${why}`]))
  const faults =
    'server restarts, full disks, network faults: they need a server that the run has started itself'
  return {
    chosen: judged.flatMap(({ chapter, why }) => (why === null ? [chapter] : [])),
    leftOut: [...spared, faults].map((line) => `Left out: ${line}.`),
  }
}

function settingsOf(place: StorePlace, seed: number, minutes: number): Omit<RunSettings, 'folder'> {
  return {
    ...{ place, seed, tenants: 3, endpoints: 3, publishers: 4 },
    events: Math.ceil(1_500 * minutes),
    spreadMs: (minutes * 60_000) / (chapters.length + 2),
    timeoutMs: TIMEOUT_MS,
    concurrency: 20,
    answerMs: [5, 50],
  }
}

/** The run's figures in one line. */
export function sentence(result: RunResult): string {
  const { lost, duplicated, recovered, unexpected, due, faults, slowestRecoveryMs, tookMs } = result
  const slowest =
    slowestRecoveryMs === 0 ? '' : `, slowest recovery ${(slowestRecoveryMs / 1000).toFixed(1)} s`
  return `${due} deliveries, ${faults} faults: lost ${lost}, duplicated ${duplicated}, recovered ${recovered}, unexpected ${unexpected}${slowest} (${Math.round(tookMs / 1000)} s)`
}

/** A schema or a prefix of the run's own, dropped afterwards. */
async function inScratch<T>(
  place: StorePlace,
  seed: number,
  work: (scratch: StorePlace) => Promise<T>,
): Promise<T> {
  const name = `posthorn_torture_${seed}`
  const scratch = { ...place, schema: name, prefix: `${name}_` }
  try {
    return await work(scratch)
  } finally {
    const opened = await openStore(scratch)
    await drop(opened, place.url, name).finally(() => opened.close())
  }
}

const TABLES = [
  'queue',
  'attempts',
  'deliveries',
  'events',
  'subscriptions',
  'tenants',
  'paces',
  'rollups',
  'migrations',
]

async function drop({ query }: OpenedStore, url: string, name: string): Promise<void> {
  if (/^postgres/.test(url)) {
    await query(`DROP SCHEMA IF EXISTS ${name} CASCADE`)
    return
  }
  for (const table of TABLES) await query(`DROP TABLE IF EXISTS ${name}_${table}`)
}
