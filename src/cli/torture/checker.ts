/**
 * Compares the ledgers when a run is over: Jepsen's total queue (lost, unexpected, duplicated, recovered) and the
 * invariants of our own. It believes the ledgers; the store is asked only for what the ledgers cannot know.
 */
import { anyTenant } from '../../model.ts'
import type { Store } from '../../store.ts'
import { tooEarly } from './due.ts'
import type { History } from './history.ts'
import { type Fault, type Published, type Received, readLedger } from './ledger.ts'
import { grouped, type Recovery, recoveryOf } from './recovery.ts'
import { ledgers, type RunSettings } from './settings.ts'

/** What a run came to. All of the first block must be 0. */
export interface Verdict extends Omit<Recovery, 'stale'>, History {
  readonly lost: number
  readonly unexpected: number
  readonly unexplained: number
  readonly invalid: number
  readonly stuck: number
  readonly unhandled: number
  /** Requests that came before their delivery was due. */
  readonly early: number
  /** Outcomes of lost claims that changed something. */
  readonly stale: number

  readonly acknowledged: number
  readonly due: number
  readonly requests: number
  /** Requests beyond the first for the same event and endpoint, all explained by a fault. */
  readonly duplicated: number
  /** Events whose publish was never acknowledged, and which arrived nevertheless. */
  readonly recovered: number
  /** The longest of both: until what a killed worker had was claimed again, and until what it had in flight was sent again, in ms. */
  readonly slowestRecoveryMs: number
  /** The first few requests that were repeated without a reason, told in a line each. */
  readonly examples: readonly string[]
}

const MUST_BE_ZERO = [
  'lost',
  'unexpected',
  'unexplained',
  'invalid',
  'stuck',
  'misnumbered',
  'unfinished',
  'unhandled',
  'early',
  'changed',
  'stale',
] as const

/** What is wrong; empty when the run passed. */
export function failures(verdict: Verdict): string[] {
  return MUST_BE_ZERO.filter((name) => verdict[name] > 0).map((name) => `${name} ${verdict[name]}`)
}

interface Event {
  readonly tenant: string
  readonly digest: string
  readonly at: number
  readonly delayMs: number
  readonly acknowledged: boolean
}

export async function check(
  settings: RunSettings,
  received: readonly Received[],
  faults: readonly Fault[],
  unhandled: readonly string[],
  workers: readonly string[],
  store: Store<never>,
  history: History,
): Promise<Verdict> {
  const events = eventsOf(readLedger<Published>(ledgers(settings.folder).published))
  const groups = groupsOf(received)
  const acknowledged = [...events].filter(([, event]) => event.acknowledged)
  const due = acknowledged.flatMap(([id]) => endpointsOf(settings).map((endpoint) => `${id} ${endpoint}`))
  const repeats = [...groups.values()].flatMap((group) =>
    group.slice(1).map((next, index) => ({ one: group[index] ?? next, next })),
  )
  const owed = await store.backlog({ tenant: anyTenant })
  const recovery = recoveryOf(workers, ledgers(settings.folder).worker, received, faults)
  const early = tooEarly(groups.values(), events, (one, next) => isExplained(one, next, faults, settings))
  const unexplained = repeats
    .filter(({ one, next }) => isDelivered(one) && !isExplained(one, next, faults, settings))
    .map(({ one }) => one)
  return {
    ...history,
    ...recovery,
    lost: due.filter((key) => !groups.get(key)?.some(isDelivered)).length,
    unexpected: received.filter((one) => isUnexpected(one, events, settings)).length,
    unexplained: unexplained.length,
    invalid: received.filter((one) => !one.valid).length + differing(groups),
    stuck: owed.due + owed.scheduled + owed.held,
    unhandled: unhandled.length,
    early: early.length,
    acknowledged: acknowledged.length,
    due: due.length,
    requests: received.length,
    duplicated: repeats.filter(({ one }) => one.status < 300).length,
    recovered: [...events].filter(
      ([id, event]) => !event.acknowledged && received.some((one) => one.id === id),
    ).length,
    slowestRecoveryMs: Math.max(recovery.slowestReclaimMs, recovery.slowestResendMs),
    examples: [...unexplained.slice(0, 3), ...early.slice(0, 3)].map((one) =>
      story(one, groups.get(keyOf(one)) ?? [], events, faults),
    ),
  }
}

/** What happened to one delivery, in ms after its first request. */
function story(
  one: Received,
  group: readonly Received[],
  events: ReadonlyMap<string, Event>,
  faults: readonly Fault[],
): string {
  const begun = group[0]?.at ?? one.at
  const workers = new Set(group.map(({ worker }) => worker))
  const lines = [
    ...group.map(({ at, worker, answered }) => ({
      at,
      text: `${worker}${answered === null ? ' (unanswered)' : ''}`,
    })),
    ...faults
      .filter((fault) => fault.worker === null || workers.has(fault.worker))
      .map(({ at, kind, worker }) => ({ at, text: `${kind} of ${worker ?? 'all'}` })),
    ...[...events].filter(([id]) => id === one.id).map(([, { at }]) => ({ at, text: 'publish begins' })),
  ]
  const told = lines.sort((a, b) => a.at - b.at).map(({ at, text }) => `${at - begun} ms: ${text}`)
  return `${one.id} at ${one.endpoint}: ${told.join('; ')}`
}

const isDelivered = (one: Received) => one.answered !== null && one.status < 300
const keyOf = (one: Received) => `${one.id} ${one.endpoint}`
const endpointsOf = (settings: RunSettings) =>
  Array.from({ length: settings.endpoints }, (_, index) => `e${index}`)

/** The requests of each event and endpoint, in the order in which they were answered. */
export function groupsOf(received: readonly Received[]): ReadonlyMap<string, readonly Received[]> {
  return grouped(received, keyOf)
}

function eventsOf(published: readonly Published[]): Map<string, Event> {
  const events = new Map<string, Event>()
  for (const { kind, id, tenant, digest, delayMs, at } of published) {
    const acknowledged = kind === 'acknowledged'
    events.set(id, { tenant, digest, delayMs, at: events.get(id)?.at ?? at, acknowledged })
  }
  return events
}

function isUnexpected(one: Received, events: ReadonlyMap<string, Event>, settings: RunSettings): boolean {
  const event = events.get(one.id)
  return (
    event === undefined ||
    event.tenant !== one.tenant ||
    event.digest !== one.digest ||
    !endpointsOf(settings).includes(one.endpoint)
  )
}

/**
 * A request was repeated by the next one although it was answered: only where meanwhile its worker died or slept, or the
 * database went away, can it be. What a worker wrote before it was killed may still arrive after it.
 */
function isExplained(
  one: Received,
  next: Received,
  faults: readonly Fault[],
  settings: RunSettings,
): boolean {
  return faults.some(({ kind, worker, at }) => {
    if (at > next.at) return false
    if (kind === 'mended') return false
    if (worker === null) return at >= one.at - 2 * settings.timeoutMs
    return ['kill', 'freeze', 'block'].includes(kind) && worker === one.worker
  })
}

/** Deliveries whose body was not the same on every attempt. */
function differing(groups: ReadonlyMap<string, readonly Received[]>): number {
  return [...groups.values()].filter((group) => new Set(group.map((one) => one.body)).size > 1).length
}
