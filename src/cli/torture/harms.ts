/** The harm that a run can do, each as a plain loop that ends when its count is reached. */
import type { OpenedStore } from '../open-store.ts'
import { type Fleet, pause } from './fleet.ts'
import type { Seeded } from './random.ts'
import type { Harm } from './run.ts'

interface Often {
  readonly times: number
  /** Pause before each, in ms. */
  readonly everyMs: number
}

async function repeat(
  { times, everyMs }: Often,
  fleet: Fleet,
  random: Seeded,
  harm: (worker: string) => Promise<void>,
): Promise<void> {
  for (let index = 0; index < times; index++) {
    await pause(everyMs)
    const worker = random.pick(fleet.workers)
    if (worker !== undefined) await harm(worker)
  }
}

export const nothingHappens: Harm = async () => {}

/** SIGKILL of a random worker; another one starts at once. */
export const kills = (often: Often): Harm => {
  return (fleet, random) => repeat(often, fleet, random, (worker) => fleet.kill(worker))
}

/** SIGSTOP of a random worker for longer than its leases last, then SIGCONT: a worker that is late and does not know it. */
export const zombies = (often: Often & { readonly frozenMs: number }): Harm => {
  return (fleet, random) => repeat(often, fleet, random, (worker) => fleet.freeze(worker, often.frozenMs))
}

/** SIGTERM and a new worker, one after the other. */
export const deploys = (often: Often): Harm => {
  return (fleet, random) => repeat(often, fleet, random, (worker) => fleet.deploy(worker))
}

/** Cuts the connections of the workers at the server, by a statement. */
export const cuts = (often: Often, cut: (opened: OpenedStore) => Promise<unknown>): Harm => {
  return (fleet, random, opened) =>
    repeat(often, fleet, random, async () => {
      fleet.note('cut')
      await cut(opened)
    })
}

/** Restarts the server, which must be the caller's own. */
export const restarts = (often: Often, restart: () => Promise<void>): Harm => {
  return (fleet, random) =>
    repeat(often, fleet, random, async () => {
      fleet.note('restart')
      await restart()
      fleet.note('mended')
    })
}

/** Several kinds at once. */
export const together = (...harms: readonly Harm[]): Harm => {
  return async (fleet, random, opened, settings) => {
    await Promise.all(harms.map((harm) => harm(fleet, random, opened, settings)))
  }
}

/** Ends the other sessions of Posthorn on a Postgres server. */
export async function cutPostgres({ query }: OpenedStore): Promise<void> {
  await query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'posthorn' AND pid <> pg_backend_pid() AND datname = current_database()`,
  )
}
