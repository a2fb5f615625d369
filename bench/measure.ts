/** What is measured in the fresh process of a contender. */
import type { Contender } from './contender.ts'
import { type DatabaseWork, watchDatabase } from './database-work.ts'
import { machineMicros, treeMicros } from './processor-time.ts'
import { batchOf, deliveriesOf, type Work } from './work.ts'

/** Publishing while delivering; publishing alone, in batches or 32 single calls at once; one event at a time. */
export type Measure = 'end-to-end' | 'publish batched' | 'publish single' | 'latency'

/** What one measurement found. Costs are per delivery, for the two publish measures per event. */
export interface Figures {
  readonly perSecond: number
  readonly processMicros: number
  readonly storeMicros: number | null
  readonly logBytes: number | null
  readonly statements: number | null
  readonly peakMegabytes: number
  /** How many processors others kept busy meanwhile; null where the machine cannot say. */
  readonly othersBusy: number | null
  /** Of `latency`: [webhook-id, nanoseconds before the call]. */
  readonly calls: readonly (readonly [string, string])[]
}

const AT_ONCE = 32
const PAUSE_MS = 20

/** `pids`: the processes that belong to the measurement besides this one. */
export interface Conditions {
  readonly work: Work
  readonly warmUp: number
  readonly store: Parameters<typeof watchDatabase>[0]
  readonly receiverPid: number
}

interface Reading {
  readonly at: number
  readonly process: number
  readonly store: number | null
  readonly receiver: number | null
  readonly machine: number | null
  readonly database: DatabaseWork
}

/** Runs one measure on a contender that has been made but not started. */
export async function measure(kind: Measure, contender: Contender, conditions: Conditions): Promise<Figures> {
  const { work, warmUp, store, receiverPid } = conditions
  const watch = await watchDatabase(store)
  const calls: (readonly [string, string])[] = []
  let next = 0

  async function publishAll(events: number): Promise<void> {
    const until = next + events
    while (next < until) {
      const from = next
      const count = Math.min(batchOf(work), until - next)
      next += count
      await contender.publish(from, count)
    }
  }

  async function read(): Promise<Reading> {
    const database = await watch.read()
    const { user, system } = process.cpuUsage()
    const storePid = store?.pid ?? null
    return {
      at: performance.now(),
      process: user + system,
      store: storePid === null ? null : treeMicros(storePid),
      receiver: treeMicros(receiverPid),
      machine: machineMicros(),
      database,
    }
  }

  const steps: Readonly<Record<Measure, () => Promise<number>>> = {
    async 'end-to-end'() {
      await publishAll(work.events)
      await contender.settled(deliveriesOf(work, next))
      return deliveriesOf(work)
    },
    async 'publish batched'() {
      await publishAll(work.events)
      return work.events
    },
    async 'publish single'() {
      const until = next + work.events
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          while (next < until) await contender.publishOne(next++)
        }),
      )
      return work.events
    },
    async latency() {
      for (let event = 0; event < work.events; event++) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        const at = String(process.hrtime.bigint())
        calls.push([await contender.publishOne(next++), at])
      }
      await contender.settled(deliveriesOf(work, next))
      return work.events
    },
  }

  const delivers = kind === 'end-to-end' || kind === 'latency'
  if (delivers) await contender.start()
  await publishAll(warmUp)
  if (delivers) await contender.settled(deliveriesOf(work, warmUp))
  const before = await read()
  const units = await steps[kind]()
  const after = await read()
  await watch.close()
  return { ...difference(before, after, units), calls }
}

function difference(before: Reading, after: Reading, units: number): Omit<Figures, 'calls'> {
  const micros = (after.at - before.at) * 1_000
  const between = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : to - from
  const each = (value: number | null): number | null => (value === null ? null : value / units)
  const own = after.process - before.process
  const store = between(before.store, after.store)
  const receiver = between(before.receiver, after.receiver)
  const machine = between(before.machine, after.machine)
  return {
    perSecond: (units / micros) * 1_000_000,
    processMicros: own / units,
    storeMicros: each(store),
    logBytes: each(between(before.database.logBytes, after.database.logBytes)),
    statements: each(between(before.database.statements, after.database.statements)),
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    othersBusy:
      machine === null ? null : Math.max(0, (machine - own - (store ?? 0) - (receiver ?? 0)) / micros),
  }
}
