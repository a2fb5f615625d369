/** What a conformance case and a store under test are. Knows no test runner. */
import type { Store } from '../../store.ts'
import type { ManualClock } from '../manual-clock.ts'
import type { Lab } from './lab.ts'

/** A transaction of the caller's, opened by the test. */
export interface TestTransaction {
  /** What `append` gets as `tx`. */
  readonly tx: unknown
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** A fresh, empty store and what the test knows about it. */
export interface StoreUnderTest {
  /** Its schema is in place: the kit opens and closes it, and does not migrate. */
  readonly store: Store<unknown>
  /** The test clock that the store was given. Without it every case that needs time to pass is skipped. */
  readonly clock?: ManualClock
  /** Begins a transaction of the caller's. Without it the cases about `tx` are skipped. */
  readonly transaction?: () => Promise<TestTransaction>
  /** Frees what the test made (database, file, pool), after `store.close()`. */
  readonly close?: () => Promise<void>
  /** Cases that this store cannot pass, by name, each with the reason. An unknown name is an error. */
  readonly skip?: Readonly<Record<string, string>>
}

/** What a test runner may offer a case: the `t` of node:test and the context of vitest fit. */
export interface CaseContext {
  skip(reason?: string): unknown
}

/** One case. */
export interface ConformanceCase {
  /** Unique; a sentence about the store. */
  readonly name: string
  readonly group: string
  /** The sentence of the contract that it proves. */
  readonly must: string
  /** Rejects when the store breaks the contract. A skipped case calls `context.skip` with the reason, and resolves. */
  run(context?: CaseContext): Promise<void>
}

/** What a case needs besides a store. */
export type Need = 'clock' | 'transaction'

/** A case before it knows its store. */
export interface CaseSpec {
  readonly name: string
  readonly must: string
  readonly needs?: readonly Need[]
  readonly run: (lab: Lab) => Promise<void>
}

/** Cases of one subject. */
export interface CaseGroup {
  readonly group: string
  readonly cases: readonly CaseSpec[]
}
