/** Runs processes over one database while something is done to them, and judges what the ledgers say. */
import type { StorePlace } from '../../../src/cli/open-store.ts'
import { failures } from '../../../src/cli/torture/checker.ts'
import { type Harm, type RunOptions, type RunResult, run } from '../../../src/cli/torture/run.ts'
import type { RunSettings } from '../../../src/cli/torture/settings.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import type { Bench, Findings } from '../scenario.ts'

/** How much is published, and by how many workers it is sent. */
export interface Load {
  readonly workers: number
  readonly events: number
  readonly endpoints: number
  readonly spreadMs: number
  readonly timeoutMs: number
  readonly answerMs?: readonly [number, number]
  readonly concurrency?: number
  readonly failing?: number
  readonly delayed?: number
  readonly longestText?: number
  readonly retentionMs?: number
  readonly tellClaimsMs?: number
  readonly hangsMs?: number
  readonly drainMs?: number
}

/** What a run has besides its load. */
export type Around = Pick<RunOptions, 'environments' | 'inspect'>

/** `extra` judges what the checker does not know. */
export async function underHarm(
  bench: Bench,
  place: StorePlace,
  load: Load,
  harm: Harm,
  extra: (result: RunResult) => readonly string[] = () => [],
  around: Around = {},
): Promise<Findings> {
  const { workers, concurrency = 20, answerMs = [5, 50], ...rest } = load
  const settings: Omit<RunSettings, 'folder'> = {
    ...{ place, seed: bench.seed, tenants: 3, publishers: 8, concurrency, answerMs },
    ...rest,
  }
  const folder = await temporaryFolder('ledgers')
  bench.after(folder.remove)
  let told = ''
  const result = await run({
    entry: bench.programs.cli,
    workers,
    settings,
    harm,
    ...around,
    folder: folder.path,
    patienceMs: 2 * load.timeoutMs + 60_000,
    onProgress({ published, left, faults }) {
      const line = `${Math.floor((published / load.events) * 10) * 10} % published, ${faults} faults`
      if (bench.full && line !== told) bench.say(`  ${line}, ${left} queued`)
      told = line
    },
  })
  const {
    lost,
    duplicated,
    recovered,
    unexpected,
    due,
    requests,
    faults,
    slowestRecoveryMs,
    slowestReclaimMs,
    slowestStopMs,
    tookMs,
  } = result
  return {
    problems: [...failures(result), ...result.examples, ...result.complaints, ...extra(result)],
    figures: {
      ...{ lost, duplicated, recovered, unexpected, deliveries: due, requests, faults },
      'slowest recovery ms': slowestRecoveryMs,
      'slowest of what was lost once, ms': result.slowestOfFirstMs,
      'rows claimed again': result.reclaimed,
      'slowest claim of them ms': slowestReclaimMs,
      'in flight at faults': sum(result.inFlight),
      ...{ 'late failures': result.lateFailures, 'late successes': result.lateSuccesses },
      'slowest stop ms': Math.round(slowestStopMs),
      s: Math.round(tookMs / 1_000),
    },
  }
}

export const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

/** For scenarios on a server that may be missing. */
export const noServer = (kind: string) => ({ skipped: `there is no ${kind} server here` })
