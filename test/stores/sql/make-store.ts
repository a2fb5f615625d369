/** Makes SQL stores for the conformance kit: one database per test file, emptied for every case. */

import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import {
  type ManualClock,
  manualClock,
  type StoreUnderTest,
  type TestTransaction,
} from '../../../src/testing/index.ts'

const TABLES = ['queue', 'events', 'deliveries', 'attempts', 'subscriptions', 'tenants', 'paces', 'rollups']

/** One database under test. */
export interface SqlUnderTest {
  readonly store: (clock: ManualClock) => SqlStore<never>
  /** Runs a statement of the test's own. */
  readonly run: (sql: string) => Promise<unknown>
  /** The full name of a table. */
  readonly table: (name: string) => string
  readonly transaction?: () => Promise<TestTransaction>
}

/** A function that gives every case an empty store. */
export function emptyStores(database: () => SqlUnderTest): () => Promise<StoreUnderTest> {
  let migrated = false
  return async () => {
    const { store: open, run, table, transaction } = database()
    const clock = manualClock()
    const store = open(clock)
    if (!migrated) await store.migrate()
    migrated = true
    for (const name of TABLES) await run(`delete from ${table(name)}`)
    return {
      store: store as unknown as StoreUnderTest['store'],
      clock,
      ...(transaction === undefined ? {} : { transaction }),
    }
  }
}
