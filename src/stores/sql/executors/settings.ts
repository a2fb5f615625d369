/** The settings that every driver's adapter shares. */
import type { Clock } from '../../../clock.ts'

/** How the store's own statements run; the caller's transaction is never subject to them. */
export interface ExecutorSettings {
  /**
   * Client-side deadline of every statement of our own, waiting for a connection included, in ms. A statement that runs
   * into it rejects with `STORE_FAILED` and its connection is thrown away. @default 10_000
   */
  readonly queryTimeoutMs?: number
  /**
   * Deadlines and waiting use it; not the test clock of a store that lets days pass, since a real server answers in real
   * time. @default the machine's clock
   */
  readonly clock?: Clock
  /**
   * Name the statements, so that a server keeps their plans (`pg`, postgres.js). Never behind a transaction-mode pooler
   * that does not know names. @default false
   */
  readonly namedStatements?: boolean
}

/** @see ExecutorSettings.queryTimeoutMs */
export const QUERY_TIMEOUT_MS = 10_000
