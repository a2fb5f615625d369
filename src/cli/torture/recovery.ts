/**
 * What became of the work of workers that were killed or frozen: from what was claimed in the database at that moment, what
 * the workers wrote down, and what the receiver saw.
 */
import { rowPlace } from '../../stores/sql/rows.ts'
import { eachEntry, type Fault, type Received, type Told, type WorkerEntry } from './ledger.ts'

/** See the file's header. Times are in ms. */
export interface Recovery {
  /** Longest time from a kill or a freeze until a row of that worker was claimed again. */
  readonly slowestReclaimMs: number
  /** The longest of all these, but for rows that were lost twice, before or meanwhile: those are claimed alone, one by one. */
  readonly slowestOfFirstMs: number
  /** Rows of killed and frozen workers that others claimed again. */
  readonly reclaimed: number
  /** Longest time from a kill or a freeze to the next request of a delivery that was in flight or not recorded then. */
  readonly slowestResendMs: number
  /** For each kill and each freeze: requests that were sent and whose outcome was not in the store, or on its way there. */
  readonly inFlight: readonly number[]
  /** What a frozen worker told, when it woke, of the requests that it had in flight: taken as late, applied, or nothing at all. */
  readonly woken: { readonly late: number; readonly applied: number; readonly silent: number }
  /** Outcomes that were applied although the row had been claimed again before they were given to the store. Must be 0. */
  readonly stale: number
  /** Failures, and successes, that the store took as late. */
  readonly lateFailures: number
  readonly lateSuccesses: number
}

interface Claimed {
  readonly token: string
  readonly at: number
  readonly tick: number
}

interface Recorded extends Told {
  readonly askedAt: number
}

/** From a fault until somebody went on. */
interface Wait {
  readonly forMs: number
  /** It was lost this once. */
  readonly first: boolean
}

/** Where the ledger of a worker is. */
export type PathOf = (worker: string) => string

export function recoveryOf(
  workers: readonly string[],
  pathOf: PathOf,
  received: readonly Received[],
  faults: readonly Fault[],
): Recovery {
  const hits = faults.filter(({ kind }) => kind === 'kill' || kind === 'freeze')
  const tokens = new Map<string, string>()
  const again = claimedAgain(workers, pathOf, hits)
  const recorded = new Map<string, Recorded[]>()
  const late = { failures: 0, successes: 0 }
  let stale = 0
  const hit = new Set(hits.map(({ worker }) => worker))
  for (const worker of workers) {
    eachEntry<WorkerEntry>(pathOf(worker), (entry) => {
      if (entry.kind === 'asked' && hit.has(worker)) tokens.set(entry.token, worker)
      if (entry.kind !== 'recorded') return
      const { askedAt, tick } = entry
      for (const told of entry.outcomes) {
        if (told.result === 'late') late[told.succeeded ? 'successes' : 'failures'] += 1
        if (told.result === 'recorded' && isStale(told, tick, again.get(told.row))) stale += 1
        if (hit.has(worker)) {
          const list = recorded.get(worker) ?? []
          recorded.set(worker, list)
          list.push({ ...told, askedAt })
        }
      }
    })
  }
  const lostBefore = new Set<string>()
  const waits: Wait[] = []
  const losses = hits.map((fault) => {
    const own = (fault.held ?? []).filter(({ token }) => tokens.get(token) === fault.worker)
    for (const { row, token } of own) {
      const next = again.get(row)?.find((claim) => claim.token !== token && claim.at >= fault.at)
      if (next !== undefined) waits.push({ forMs: next.at - fault.at, first: !lostBefore.has(row) })
    }
    for (const { row } of own) lostBefore.add(row)
    return { at: fault.at, events: new Set(own.map(({ row }) => eventOf(row))) }
  })
  /** How often it was lost until then. */
  const lossesOf = (eventId: string, until: number) =>
    losses.filter(({ at, events }) => at < until && events.has(eventId)).length
  const bySender = grouped(received, ({ worker }) => worker)
  const byDelivery = grouped(received, ({ id, endpoint }) => `${id} ${endpoint}`)
  const open = hits.map((fault) =>
    openAt(fault, bySender.get(fault.worker ?? '') ?? [], recorded.get(fault.worker ?? '') ?? []),
  )
  const resends = hits.flatMap((fault, index) =>
    (open[index] ?? []).flatMap((one): Wait[] => {
      const later = byDelivery.get(`${one.id} ${one.endpoint}`)?.filter(({ at }) => at > fault.at) ?? []
      const next = Math.min(...later.filter(({ worker }) => worker !== fault.worker).map(({ at }) => at))
      const first = lossesOf(one.id, next) < 2
      return Number.isFinite(next) ? [{ forMs: next - fault.at, first }] : []
    }),
  )
  return {
    slowestReclaimMs: slowest(waits),
    reclaimed: waits.length,
    slowestResendMs: slowest(resends),
    slowestOfFirstMs: slowest([...waits, ...resends].filter(({ first }) => first)),
    woken: toldAfter(hits, open, recorded),
    inFlight: open.map(({ length }) => length),
    stale,
    lateFailures: late.failures,
    lateSuccesses: late.successes,
  }
}

/** The requests by what `keyOf` says, each list in the order in which they were answered. */
export function grouped(
  received: readonly Received[],
  keyOf: (one: Received) => string,
): ReadonlyMap<string, readonly Received[]> {
  const groups = new Map<string, Received[]>()
  for (const one of received) {
    const group = groups.get(keyOf(one))
    if (group === undefined) groups.set(keyOf(one), [one])
    else group.push(one)
  }
  return groups
}

const slowest = (waits: readonly Wait[]): number =>
  waits.reduce((most, { forMs }) => Math.max(most, forMs), 0)

const eventOf = (row: string): string => rowPlace(row)[1]

/**
 * The claims, in their order, of each row that was claimed more than once, or that a worker held when it was hit. A claim whose
 * answer its own killed worker never saw is in the database at that kill, and counts from then.
 */
function claimedAgain(
  workers: readonly string[],
  pathOf: PathOf,
  hits: readonly Fault[],
): ReadonlyMap<string, readonly Claimed[]> {
  const times = new Map<string, number>()
  const eachClaim = (see: (row: string, claimed: Claimed) => void) => {
    for (const worker of workers) {
      eachEntry<WorkerEntry>(pathOf(worker), (entry) => {
        if (entry.kind !== 'claimed') return
        const { token, at, tick } = entry
        for (const row of entry.rows) see(row, { token, at, tick })
      })
    }
  }
  eachClaim((row) => times.set(row, (times.get(row) ?? 0) + 1))
  for (const { held = [] } of hits) for (const { row } of held) times.set(row, 2)
  const claims = new Map<string, Claimed[]>()
  const add = (row: string, claimed: Claimed) => {
    const list = claims.get(row) ?? []
    claims.set(row, list)
    list.push(claimed)
  }
  eachClaim((row, claimed) => {
    if ((times.get(row) ?? 0) > 1) add(row, claimed)
  })
  for (const { at, held = [] } of hits) {
    for (const { row, token } of held) {
      if (!claims.get(row)?.some((claimed) => claimed.token === token)) {
        add(row, { token, at, tick: Number.POSITIVE_INFINITY })
      }
    }
  }
  for (const list of claims.values()) list.sort((one, other) => one.at - other.at)
  return claims
}

/** Another claim came after that of this outcome, and was there before the outcome was given to the store. */
function isStale({ token }: Told, tick: number, claims: readonly Claimed[] = []): boolean {
  const own = claims.find((claim) => claim.token === token)
  return (
    own !== undefined &&
    claims.some((claim) => claim.token !== token && claim.tick > own.tick && claim.tick < tick)
  )
}

/**
 * Requests of a worker, sent before it was hit, beyond the outcomes of the same deliveries that it had given to the store (of a
 * killed one: that it saw stored, as it wrote down nothing else).
 */
function openAt(fault: Fault, sent: readonly Received[], recorded: readonly Recorded[]): readonly Received[] {
  const stored = new Map<string, number>()
  for (const { key, askedAt } of recorded) {
    if (key !== null && askedAt <= fault.at) stored.set(key, (stored.get(key) ?? 0) + 1)
  }
  return sent.filter(({ id, endpoint, at }) => {
    // What a killed worker had sent may arrive after it; a frozen one sends more when it wakes.
    if (fault.kind === 'freeze' && at > fault.at) return false
    const key = `${id} ${endpoint}`
    const left = stored.get(key) ?? 0
    stored.set(key, left - 1)
    return left < 1
  })
}

/** What became of the requests that were in flight when a worker was frozen. */
function toldAfter(
  hits: readonly Fault[],
  open: readonly (readonly Received[])[],
  recorded: ReadonlyMap<string, readonly Recorded[]>,
): Recovery['woken'] {
  const woken = { late: 0, applied: 0, silent: 0 }
  hits.forEach(({ kind, worker, at }, index) => {
    if (kind !== 'freeze') return
    const told = new Map(
      (recorded.get(worker ?? '') ?? [])
        .filter((one) => one.askedAt > at)
        .map((one) => [one.key, one.result]),
    )
    for (const { id, endpoint } of open[index] ?? []) {
      const result = told.get(`${id} ${endpoint}`)
      if (result === undefined) woken.silent += 1
      else if (result === 'recorded') woken.applied += 1
      else woken.late += 1
    }
  })
  return woken
}
