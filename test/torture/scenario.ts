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
  /**
   * A part of a long run that stands by itself: done, or as an earlier run with the same `--state` found it. Its findings are
   * kept when it passed.
   */
  part(name: string, work: () => Promise<Findings>): Promise<Findings>
  /** Runs when the scenario is over, or when the run is interrupted, last first. */
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
  /** Minutes that a full run takes on each database, about. Such a scenario is left out of `npm test`. */
  readonly longMinutes?: number
  /** Tools that it needs besides the servers: the Debian packages. */
  readonly needs?: string
  /** Where it runs; one run each. */
  readonly kinds: readonly Kind[]
  /** It makes its own stores: what is told in place of the one kind, which then only says that no server is needed. */
  readonly stores?: string
  run(bench: Bench, kind: Kind): Promise<Findings | { readonly skipped: string }>
}
