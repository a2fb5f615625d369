/** What a torture scenario is: one test of the reliability list, which says what it found and keeps to one seed. */
import type { StorePlace } from '../../src/cli/open-store.ts'
import type { PostgresServer } from '../support/databases/start-postgres.ts'

/** The databases that processes can share. */
export type Kind = 'postgres' | 'mysql' | 'sqlite'

/** What a scenario stands on. */
export interface Bench {
  readonly seed: number
  /** The full counts; otherwise those of the normal test run. */
  readonly full: boolean
  /** Bundles of the programs that scenarios start as processes, by name. */
  readonly programs: { readonly cli: string; readonly probe: string }
  say(line: string): void
  /** An empty database of the scenario's own; null where there is no such server. */
  place(kind: Kind): Promise<StorePlace | null>
  /** A Postgres that nobody else uses, so that it may be restarted, filled and frozen. */
  ownPostgres(settings?: readonly string[]): Promise<PostgresServer>
  /** Runs when the scenario is over, last first. */
  after(work: () => unknown): void
}

/** What came of a run. */
export interface Findings {
  /** Empty when the scenario passed. */
  readonly problems: readonly string[]
  readonly figures: Readonly<Record<string, number | string>>
}

/** One test of the list. */
export interface Scenario {
  /** Its number in the reliability list. */
  readonly number: number
  readonly name: string
  /** Where it runs; one run each. */
  readonly kinds: readonly Kind[]
  run(bench: Bench, kind: Kind): Promise<Findings | { readonly skipped: string }>
}
