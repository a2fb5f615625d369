/** Every contender of the bench: what it stores in, and how it is made. */
import type { CreateContender, DatabaseOfRun } from '../contender.ts'

// Loaded when made: a contender's process holds nothing of the others.
const bullmq: CreateContender = async (setup) => (await import('./bullmq.ts')).bullmq(setup)
const graphileWorker: CreateContender = async (setup) =>
  (await import('./graphile-worker.ts')).graphileWorker(setup)
const limit: CreateContender = async (setup) => (await import('./limit.ts')).limit(setup)
const pgBoss: CreateContender = async (setup) => (await import('./pg-boss.ts')).pgBoss(setup)
const posthorn: CreateContender = async (setup) => (await import('./posthorn.ts')).posthorn(setup)

/** One row of the tables. */
export interface Entrant {
  readonly name: string
  /** What it is compared as: the bare loop, Posthorn on a store, or another library. */
  readonly kind: 'limit' | 'posthorn' | 'peer'
  readonly database: DatabaseOfRun['kind'] | null
  readonly variant: string | null
  readonly create: CreateContender
}

const ours = (name: string, database: Entrant['database'], variant: string | null = null): Entrant => ({
  name,
  kind: 'posthorn',
  database,
  variant,
  create: posthorn,
})

const peer = (name: string, database: Entrant['database'], create: CreateContender): Entrant => ({
  name,
  kind: 'peer',
  database,
  variant: null,
  create,
})

/** In the order of the tables. */
export const ENTRANTS: readonly Entrant[] = [
  { name: 'limit', kind: 'limit', database: null, variant: null, create: limit },
  ours('posthorn memory', null),
  ours('posthorn sqlite', 'sqlite'),
  ours('posthorn postgres', 'postgres'),
  ours('posthorn postgres, tuned', 'postgres', 'tuned'),
  ours('posthorn mariadb', 'mysql'),
  peer('bullmq', 'redis', bullmq),
  peer('pg-boss', 'postgres', pgBoss),
  peer('graphile-worker', 'postgres', graphileWorker),
]

/** Only in the tables of latency: published in a transaction of the caller's. */
export const IN_TRANSACTION: readonly Entrant[] = [
  ours('posthorn postgres, tx', 'postgres', 'tx'),
  ours('posthorn postgres, tx + wake()', 'postgres', 'tx-wake'),
]

/** By name. */
export function entrantNamed(name: string): Entrant {
  const found = [...ENTRANTS, ...IN_TRANSACTION].find((entrant) => entrant.name === name)
  if (found === undefined) throw new Error(`no contender is named "${name}"`)
  return found
}
