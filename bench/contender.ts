/** CONTRACT: what a contender of the bench does. One is made in a fresh process, for one measurement. */
import type { ReceiverPorts, Work } from './work.ts'

/** A database that the run has started. */
export interface DatabaseOfRun {
  readonly kind: 'postgres' | 'mysql' | 'redis' | 'sqlite'
  /** A fresh database of this measurement; a path for SQLite. */
  readonly url: string
  /** The server's process, whose tree is counted; null for a database inside the contender's process. */
  readonly pid: number | null
}

/** What a contender is made from. */
export interface Setup {
  readonly work: Work
  readonly ports: ReceiverPorts
  readonly database: DatabaseOfRun | null
  /** More of the contender's own, for example `tuned`. */
  readonly variant: string | null
}

/** See the file's header. Events are named by their number; a number is published once. */
export interface Contender {
  /** Begins to deliver. Without it the process only publishes. */
  start(): Promise<void>
  /** One batch call. */
  publish(from: number, count: number): Promise<void>
  /** One event by itself, committed when it resolves; returns the `webhook-id`. */
  publishOne(event: number): Promise<string>
  /** Resolves when this many deliveries, all told, were answered and their outcomes are committed. */
  settled(deliveries: number): Promise<void>
  close(): Promise<void>
}

/** Makes one. */
export type CreateContender = (setup: Setup) => Promise<Contender>
