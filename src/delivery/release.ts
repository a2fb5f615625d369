/**
 * Lets held deliveries go: of limited subscriptions as their limits allow, of recovered ones at a growing pace, of broken
 * ones a probe at a time. Any process can do it for any subscription; the store takes tokens and slots, so that it does
 * not matter who does.
 */
import type { Parts } from '../parts.ts'
import type { SubscriptionRecord } from '../records.ts'
import { afterProbe, paceOf } from './breaker.ts'
import { cancelSome } from './cancel.ts'
import { byPolicy, type Condition, conditionOf } from './condition.ts'
import { releaseOf } from './limits.ts'
import type { StoreTime } from './prepare.ts'
import { reportProblem } from './problem.ts'

const BLOCK = 500
const AT_ONCE = 8
/** A subscription that waits for something else is looked at again after this, in case nobody says when it has come. */
const LOOK_AGAIN_MS = 30_000
/** The first wait for a row that another process may have; each later one is twice as long. */
const FIRST_BLOCKED_MS = 50
/** After an error, or a probe that could not go. */
const RETRY_MS = 1_000
/** Stands in `at` while the store is asked. */
const LOOKING = Number.POSITIVE_INFINITY

interface Entry {
  readonly tenantId: string
  readonly subscriptionId: string
  /** Monotonic instant at which to look at it. */
  at: number
  /** The row as the worker saw it, for one release; null: read it. */
  row: SubscriptionRecord | null
  /** The wait while another row is in the way; 0: nothing is. */
  blockedMs: number
  /** A row got out of the way while the store was asked, which may not have seen it any more. */
  unblocked: boolean
}

export interface Releaser {
  /** Its held deliveries may go on: looks at once. */
  mark(tenantId: string, subscriptionId: string, row?: SubscriptionRecord): void
  /** It has held deliveries: looks, unless it is known when to. */
  notice(tenantId: string, subscriptionId: string): void
  /** A row of this tenant is out of the way. */
  unblock(tenantId: string): void
  /** Finds subscriptions with held deliveries; with `all`, also looks at those that wait. */
  sweep(all: boolean): Promise<void>
  /** Looks at all that are due. Returns how many rows it released. */
  run(): Promise<number>
  /** Starts to look, if any are due. */
  kick(): void
  /** Until something is due, or null when nothing waits. */
  untilDueMs(): number | null
  /** True when something is due or is being looked at. */
  readonly isDue: boolean
  /** Resolves when nothing is being looked at. */
  idle(): Promise<void>
}

export function createReleaser(
  parts: Parts,
  time: StoreTime,
  review: (row: SubscriptionRecord) => void,
): Releaser {
  const { store, clock, policy } = parts
  const entries = new Map<string, Entry>()
  const blocked = new Map<string, Set<Entry>>()
  const looking = new Set<Entry>()
  let soonest = Number.POSITIVE_INFINITY
  let running: Promise<number> | null = null

  const keyOf = (tenantId: string, subscriptionId: string) => `${tenantId}\n${subscriptionId}`

  function put(tenantId: string, subscriptionId: string, at: number): Entry {
    const key = keyOf(tenantId, subscriptionId)
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = { tenantId, subscriptionId, at, row: null, blockedMs: 0, unblocked: false }
      entries.set(key, entry)
    }
    entry.at = at
    soonest = Math.min(soonest, at)
    return entry
  }

  function unpark(entry: Entry): void {
    blocked.get(entry.tenantId)?.delete(entry)
    if (blocked.get(entry.tenantId)?.size === 0) blocked.delete(entry.tenantId)
  }

  /** Looks again in `ms`, or as soon as it was marked meanwhile. */
  function wait(entry: Entry, ms: number): void {
    if (entry.at === LOOKING) entry.at = clock.monotonic() + Math.min(ms, LOOK_AGAIN_MS)
    soonest = Math.min(soonest, entry.at)
  }

  /** Nothing is left to release, unless it was marked meanwhile. */
  function forget(entry: Entry): void {
    if (entry.at === LOOKING) entries.delete(keyOf(entry.tenantId, entry.subscriptionId))
    else soonest = Math.min(soonest, entry.at)
  }

  async function look(entry: Entry): Promise<number> {
    const { tenantId, subscriptionId } = entry
    unpark(entry)
    entry.at = LOOKING
    const given = entry.row
    entry.row = null
    const row = given ?? (await store.getSubscription(tenantId, subscriptionId))
    if (row === null) {
      const { more } = await cancelSome(parts, { tenantId, subscriptionId })
      if (more) wait(entry, 0)
      else forget(entry)
      return 0
    }
    review(row)
    if (row.state === 'active') return releaseActive(entry, row)
    if (row.state === 'paused' && row.pausedBy === 'breaker') return probe(entry, row)
    wait(entry, LOOK_AGAIN_MS)
    return 0
  }

  async function releaseActive(entry: Entry, row: SubscriptionRecord): Promise<number> {
    const pace = paceOf(conditionOf(row), time.now(), policy.pace)
    const { released, more, nextAt } = await store.release(releaseOf(row, BLOCK, parts, pace))
    if (released > 0) entry.blockedMs = 0
    if (!more) {
      forget(entry)
      if (conditionOf(row).recovery !== undefined) await endRecovery(row)
    } else if (released === BLOCK) {
      wait(entry, 0)
    } else if (nextAt !== null && nextAt > time.now()) {
      wait(entry, nextAt - time.now())
    } else {
      block(entry)
    }
    return released
  }

  /** Another row is in the way: whoever ends it says so, unless it is another process; so look again, ever more rarely. */
  function block(entry: Entry): void {
    if (entry.unblocked) {
      wait(entry, 0)
      return
    }
    entry.blockedMs = Math.min(Math.max(FIRST_BLOCKED_MS, entry.blockedMs * 2), LOOK_AGAIN_MS)
    wait(entry, entry.blockedMs)
    const waiting = blocked.get(entry.tenantId)
    if (waiting === undefined) blocked.set(entry.tenantId, new Set([entry]))
    else waiting.add(entry)
  }

  async function endRecovery(row: SubscriptionRecord): Promise<void> {
    const { recovery: _over, ...rest } = conditionOf(row)
    await store.updateSubscription(row.tenantId, row.id, patchOf(row, rest), { revision: row.revision })
  }

  async function probe(entry: Entry, row: SubscriptionRecord): Promise<number> {
    const condition = conditionOf(row)
    const now = time.now()
    const breaker = condition.breaker ?? { cause: 'failing', openedAt: now, probes: 0, nextProbeAt: now }
    if (breaker.nextProbeAt > now) {
      wait(entry, breaker.nextProbeAt - now)
      return 0
    }
    // Whoever moves the time of the next probe sends this one.
    const next = afterProbe(breaker, now, policy.pace)
    const taken = await store.updateSubscription(
      row.tenantId,
      row.id,
      patchOf(row, { ...condition, breaker: next }),
      { revision: row.revision, states: ['paused'] },
    )
    if (taken === null || taken === 'conflict') {
      wait(entry, 0)
      return 0
    }
    const { released, more, nextAt } = await store.release({ ...releaseOf(row, 1, parts), trigger: 'probe' })
    if (released > 0) {
      wait(entry, next.nextProbeAt - now)
      return released
    }
    // Nothing is held, or nothing could go (no token, another row comes first): the probe is still owed.
    const owedAt = Math.max(now + RETRY_MS, nextAt ?? 0)
    const owed = more ? { ...breaker, nextProbeAt: owedAt } : breaker
    await store.updateSubscription(row.tenantId, row.id, patchOf(taken, { ...condition, breaker: owed }), {
      revision: taken.revision,
    })
    if (more) wait(entry, owedAt - now)
    else forget(entry)
    return 0
  }

  async function work(): Promise<number> {
    let released = 0
    for (;;) {
      const now = clock.monotonic()
      if (soonest > now) return released
      const due: Entry[] = []
      soonest = Number.POSITIVE_INFINITY
      for (const entry of entries.values()) {
        if (entry.at <= now) due.push(entry)
        else soonest = Math.min(soonest, entry.at)
      }
      if (due.length === 0) return released
      for (let index = 0; index < due.length; index += AT_ONCE) {
        const counts = await Promise.all(due.slice(index, index + AT_ONCE).map(lookSafely))
        const sum = counts.reduce((total, count) => total + count, 0)
        released += sum
        if (sum > 0) parts.wake()
      }
    }
  }

  async function lookSafely(entry: Entry): Promise<number> {
    looking.add(entry)
    entry.unblocked = false
    try {
      return await look(entry)
    } catch (cause) {
      reportProblem(parts, 'release', cause)
      wait(entry, RETRY_MS)
      return 0
    } finally {
      looking.delete(entry)
    }
  }

  function run(): Promise<number> {
    running ??= work().finally(() => {
      running = null
      // Marked after the last look, and before anybody could see that it was the last.
      if (soonest <= clock.monotonic()) void run()
    })
    return running
  }

  return {
    mark(tenantId, subscriptionId, row) {
      const entry = put(tenantId, subscriptionId, clock.monotonic())
      entry.row = row ?? null
      entry.blockedMs = 0
    },
    notice(tenantId, subscriptionId) {
      if (!entries.has(keyOf(tenantId, subscriptionId))) put(tenantId, subscriptionId, clock.monotonic())
    },
    unblock(tenantId) {
      for (const entry of looking) entry.unblocked ||= entry.tenantId === tenantId
      for (const entry of blocked.get(tenantId) ?? []) put(tenantId, entry.subscriptionId, clock.monotonic())
    },
    async sweep(all) {
      if (all)
        for (const entry of entries.values()) put(entry.tenantId, entry.subscriptionId, clock.monotonic())
      const known = new Set(entries.values())
      let after: { tenantId: string; subscriptionId: string } | null = null
      for (;;) {
        const page: Awaited<ReturnType<typeof store.listHeld>> = await store.listHeld({ after, limit: BLOCK })
        for (const { tenantId, subscriptionId } of page) {
          const entry = entries.get(keyOf(tenantId, subscriptionId))
          if (entry === undefined) put(tenantId, subscriptionId, clock.monotonic())
          else known.delete(entry)
        }
        const last = page.at(-1)
        if (last === undefined || page.length < BLOCK) break
        after = { tenantId: last.tenantId, subscriptionId: last.subscriptionId }
      }
      // Nothing is held for these any more, since before the sweep began.
      for (const entry of known) {
        if (entry.at === LOOKING || entry.at <= clock.monotonic()) continue
        unpark(entry)
        entries.delete(keyOf(entry.tenantId, entry.subscriptionId))
      }
    },
    run,
    kick() {
      if (soonest <= clock.monotonic()) void run()
    },
    untilDueMs() {
      // What is being looked at wakes the sender itself.
      if (running !== null || soonest === Number.POSITIVE_INFINITY) return null
      return Math.max(0, soonest - clock.monotonic())
    },
    get isDue() {
      return running !== null || soonest <= clock.monotonic()
    },
    async idle() {
      while (running !== null) await running
    },
  }
}

const patchOf = (row: SubscriptionRecord, condition: Condition) => ({ condition: byPolicy(row, condition) })
