/**
 * Counts what happens, in memory, and adds it to the store's rollups every two seconds at most, apart from the
 * transactions that record deliveries: a process that is killed loses two seconds of statistics and nothing else.
 */
import type { Clock, Random, Timer } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import type { Reporter } from '../parts.ts'
import type { AttemptRecord, DeliveryRecord, RollupRecord } from '../records.ts'
import type { Store } from '../store.ts'
import { count } from './latency-scale.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
/** Rollups that say which workers live: of no tenant, whose ids are never empty. */
export const NO_TENANT = ''
/** The counters of living workers begin so; their ids follow. */
export const WORKER = 'worker.'

const FLUSH_MS = 2_000
/** Rows that are kept back at most. */
const MAX_ROWS = 2_000
const HEARTBEAT_MS = 30_000
/** Few, so that restarts do not multiply rows; several, so that workers seldom meet in one. */
const SLOTS = 64

/** What is counted, and by whom it was last claimed. */
export interface Statistics {
  attempted(attempt: AttemptRecord): void
  ended(delivery: DeliveryRecord): void
  /** A claim came back: `now` is the store's clock, `lagMs` how long the oldest of it had been due. */
  claimed(now: number, lagMs: number): void
  /** Adds what was counted to the store. Never rejects: what could not be added is kept for the next time. */
  flush(): Promise<void>
  /** This process's last claim, or null. */
  readonly lastClaim: { readonly at: number; readonly lagMs: number } | null
}

type Counted = Pick<RollupRecord, 'tenantId' | 'subscriptionId' | 'eventType' | 'bucketAt' | 'bucketMs'> & {
  readonly counters: Map<string, number>
  readonly histogram: number[]
}

export function createStatistics(
  store: Store<unknown>,
  clock: Clock,
  random: Random,
  report: Pick<Reporter, 'problem'>,
): Statistics {
  const slot = String(Math.floor(random() * SLOTS))
  const worker = `${WORKER}${crypto.randomUUID().slice(0, 13)}`
  let rows = new Map<string, Counted>()
  /** The row of each subscription that was counted in last: no key need be made to find it. */
  const recent = new Map<string | null, Counted>()
  let timer: Timer | null = null
  let flushing: Promise<void> = Promise.resolve()
  let lastClaim: Statistics['lastClaim'] = null
  let heartbeatAt = Number.NEGATIVE_INFINITY

  function rowOf(of: Pick<AttemptRecord, 'tenantId' | 'subscriptionId' | 'eventType'>, at: number): Counted {
    const { tenantId, subscriptionId, eventType } = of
    const bucketAt = Math.floor(at / MINUTE_MS) * MINUTE_MS
    const last = recent.get(subscriptionId)
    if (last?.bucketAt === bucketAt && last.eventType === eventType && last.tenantId === tenantId) return last
    // No tenant, id or type holds a control character.
    const key = `${tenantId}\n${subscriptionId}\n${eventType}\n${bucketAt}`
    const known = rows.get(key)
    if (known !== undefined) {
      recent.set(subscriptionId, known)
      return known
    }
    const counters = new Map<string, number>()
    const made = {
      tenantId,
      subscriptionId,
      eventType,
      bucketAt,
      bucketMs: MINUTE_MS,
      counters,
      histogram: [],
    }
    rows.set(key, made)
    if (rows.size >= MAX_ROWS) void flush()
    else timer ??= clock.setTimer(() => void flush(), FLUSH_MS)
    return made
  }

  function flush(): Promise<void> {
    timer?.cancel()
    timer = null
    flushing = flushing.then(write)
    return flushing
  }

  async function write(): Promise<void> {
    if (rows.size === 0) return
    const taken = rows
    rows = new Map()
    recent.clear()
    try {
      await store.addRollups([...taken.values()].flatMap((row) => rollupsOf(row, slot)))
    } catch (cause) {
      keep(taken)
      const message = `The ${store.name} store did not take statistics; they are added later.`
      report.problem('statistics', new PosthornError('STORE_FAILED', message, { cause }))
    }
  }

  /** Back among what is counted, unless that would be too much. */
  function keep(taken: ReadonlyMap<string, Counted>): void {
    for (const row of taken.values()) {
      if (rows.size >= MAX_ROWS - 1) return
      const into = rowOf(row, row.bucketAt)
      for (const [name, value] of row.counters) add(into, name, value)
      for (const [step, value] of row.histogram.entries())
        into.histogram[step] = (into.histogram[step] ?? 0) + value
    }
  }

  return {
    attempted(attempt) {
      const row = rowOf(attempt, attempt.startedAt)
      add(row, 'attempts')
      add(row, attempt.outcome)
      if (attempt.status !== null) add(row, `status.${attempt.status}`)
      if (attempt.failure !== null) add(row, `failure.${attempt.failure}`)
      count(row.histogram, attempt.durationMs)
    },
    ended(delivery) {
      const row = rowOf(delivery, delivery.endedAt ?? delivery.updatedAt)
      add(row, `ended.${delivery.state}`)
      add(row, 'ended.attempts', delivery.attemptCount)
    },
    claimed(now, lagMs) {
      lastClaim = { at: now, lagMs }
      if (clock.monotonic() - heartbeatAt < HEARTBEAT_MS) return
      heartbeatAt = clock.monotonic()
      add(rowOf({ tenantId: NO_TENANT, subscriptionId: null, eventType: 'workers' }, now), worker)
    },
    flush,
    get lastClaim() {
      return lastClaim
    },
  }
}

function add({ counters }: Counted, name: string, value = 1): void {
  counters.set(name, (counters.get(name) ?? 0) + value)
}

/** By the minute, and by the hour for when the minutes are gone. */
function rollupsOf(row: Counted, slot: string): RollupRecord[] {
  const rollup = { ...row, slot, counters: Object.fromEntries(row.counters) }
  if (row.tenantId === NO_TENANT) return [rollup]
  const bucketAt = Math.floor(row.bucketAt / HOUR_MS) * HOUR_MS
  return [rollup, { ...rollup, bucketAt, bucketMs: HOUR_MS }]
}
