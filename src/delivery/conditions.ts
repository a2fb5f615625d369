/**
 * Keeps what is remembered about subscriptions: gathers what attempts showed, stores it on change only, guarded, so that
 * of several processes one makes each change and tells of it.
 */

import type { Parts } from '../parts.ts'
import { presentSubscription } from '../present.ts'
import type { SubscriptionRecord } from '../records.ts'
import { createWindow, isTooMuch } from './breaker.ts'
import { cancelAll } from './cancel.ts'
import { type Change, changeBy, conditionOf, type Finding } from './condition.ts'
import { createFewAtOnce } from './few-at-once.ts'
import { orderingOf } from './limits.ts'
import type { Notices } from './notices.ts'
import type { StoreTime } from './prepare.ts'
import { reportProblem } from './problem.ts'
import { sharedTally } from './share.ts'
import { stopLine } from './stop-line.ts'

const BLOCK = 500
const MAX_TRIES = 10
/** A flickering receiver begins a new streak at most this often: each costs a write and a new view in every process. */
const STREAK_EVERY_MS = 1_000
const MAX_FINDINGS = 100
/** Statements at once: when all receivers fail, outcomes must not wait for a connection behind what is remembered of each. */
const MAX_STATEMENTS = 2
/** How often a process that has seen little asks what all have seen of a subscription that fails. */
const ASK_EVERY_MS = 5_000
/** What is disabled is remembered until nobody can hold an older view of it. */
const REMEMBER_MS = 300_000

interface Entry {
  row: SubscriptionRecord
  findings: Finding[]
  /** Findings among these could not be stored, however often it was tried: they wait for the next that comes, or for `tidy`. */
  owed: boolean
  readonly window: ReturnType<typeof createWindow>
  storing: Promise<void> | null
  storedAt: number
  askedAt: number
  /** All processes together have seen too large a share of failures. */
  failingAtLarge: boolean
}

interface Stored {
  readonly before: SubscriptionRecord
  readonly after: SubscriptionRecord
  readonly change: Change
}

export interface Conditions {
  /** What an attempt showed. What follows is stored in its turn; nobody waits for it but `idle`. */
  note(subscription: SubscriptionRecord, finding: Finding): void
  /** The subscription as this process changed it last, where that is newer. */
  newest(subscription: SubscriptionRecord): SubscriptionRecord
  /** Looks whether time alone has changed something. */
  review(subscription: SubscriptionRecord): void
  /** Pauses an ordered subscription whose line stops at this delivery. */
  stop(subscription: SubscriptionRecord, deliveryId: string): Promise<void>
  /** Looks whether time alone has changed something of what it remembers, and forgets what is settled and quiet. */
  tidy(): void
  /** Resolves when nothing is being stored. */
  idle(): Promise<void>
}

/** `resumed` is told of subscriptions whose held deliveries may go on now, or at the next probe. */
export function createConditions(
  parts: Parts,
  time: StoreTime,
  notices: Notices,
  resumed: (row: SubscriptionRecord) => void,
): Conditions {
  const { store, policy } = parts
  const entries = new Map<string, Entry>()
  const inTurn = createFewAtOnce(MAX_STATEMENTS)
  const relevant = Math.max(policy.breaker?.failures ?? 0, policy.disableAfter?.attempts ?? 0)

  function entryOf(row: SubscriptionRecord): Entry {
    const key = `${row.tenantId}\n${row.id}`
    let entry = entries.get(key)
    if (entry === undefined) {
      const window = createWindow(policy.breaker?.windowMs ?? 1)
      const never = Number.NEGATIVE_INFINITY
      entry = {
        ...{ row, findings: [], owed: false, window, storing: null },
        ...{ storedAt: never, askedAt: never, failingAtLarge: false },
      }
      entries.set(key, entry)
    }
    if (row.revision <= entry.row.revision) return entry
    // Somebody else has opened or closed it: what was counted before says nothing any more.
    if (row.state !== entry.row.state) entry.window.clear()
    entry.row = row
    return entry
  }

  function changeOf(entry: Entry, findings: readonly Finding[]): Change {
    const now = time.now()
    const shareFailed = entry.failingAtLarge || isTooMuch(entry.window.tally(now), policy)
    return changeBy(entry.row, findings, { now, policy, shareFailed })
  }

  /** It fails, and this process alone has seen too little of it to tell how much. */
  function wantsToAsk({ row, findings, window, askedAt }: Entry): boolean {
    const now = time.now()
    return (
      policy.breaker !== null &&
      row.state === 'active' &&
      now - askedAt >= ASK_EVERY_MS &&
      findings.at(-1)?.kind === 'failure' &&
      window.tally(now).total < policy.breaker.attempts
    )
  }

  /** State and tidings always; a count only as far as a rule needs it; the start of a streak not too often. */
  function isWorthStoring(entry: Entry): boolean {
    const { patch, state, tidings, failing } = changeOf(entry, entry.findings)
    if (patch === null) return false
    if (state !== null) return true
    const begins = conditionOf(entry.row).failing === undefined
    if (begins && time.now() - entry.storedAt < STREAK_EVERY_MS) return false
    return (
      tidings.length > 0 || breakerMoved(entry.row, patch.condition) || (failing?.attempts ?? 0) <= relevant
    )
  }

  async function storeAll(entry: Entry): Promise<void> {
    entry.owed = false
    try {
      // `entry.storing` has to stand before this can end.
      await null
      if (wantsToAsk(entry)) {
        entry.askedAt = time.now()
        const tally = await inTurn(() => sharedTally(entry.row, parts, time))
        entry.failingAtLarge = isTooMuch(tally, policy)
      }
      while (!entry.owed && entry.findings.length > 0 && isWorthStoring(entry))
        await storeOnce(entry, entry.findings.splice(0))
      if (!entry.owed) trim(entry)
    } catch (cause) {
      reportProblem(parts, 'condition', cause)
    } finally {
      entry.storing = null
      entry.failingAtLarge = false
    }
  }

  /** A streak that is stored needs no more findings; one that is not keeps what it needs to begin. */
  function trim(entry: Entry): void {
    if (conditionOf(entry.row).failing !== undefined) entry.findings.length = 0
    else bound(entry)
  }

  function bound({ findings }: Entry): void {
    if (findings.length > MAX_FINDINGS) findings.splice(1, findings.length - MAX_FINDINGS)
  }

  async function storeOnce(entry: Entry, findings: readonly Finding[]): Promise<void> {
    let stored: Stored | 'nothing' | 'conflict' = 'conflict'
    try {
      for (let tries = 0; stored === 'conflict' && tries < MAX_TRIES; tries++)
        stored = await tryToStore(entry, findings)
    } finally {
      // Others changed it each time, or the store failed.
      if (stored === 'conflict') owe(entry, findings)
    }
    if (typeof stored !== 'string') await follow(entry, stored)
  }

  async function tryToStore(
    entry: Entry,
    findings: readonly Finding[],
  ): Promise<Stored | 'nothing' | 'conflict'> {
    const { row } = entry
    const { tenantId, id, revision } = row
    const change = changeOf(entry, findings)
    const { patch } = change
    if (patch === null) return 'nothing'
    const drops = findings.some((finding) => finding.kind === 'success' && finding.enable === 'drop')
    // Before it is active, so that nothing of the old goes out and nothing of the new is dropped.
    if (change.state === 'enabled' && drops) await cancelAll(parts, { tenantId, subscriptionId: id }, inTurn)
    const after = await inTurn(() => store.updateSubscription(tenantId, id, patch, { revision }))
    if (after !== null && after !== 'conflict') return { before: row, after, change }
    const fresh = after === null ? null : await inTurn(() => store.getSubscription(tenantId, id))
    if (fresh === null) {
      forget(row)
      return 'nothing'
    }
    entry.row = fresh
    return 'conflict'
  }

  function owe(entry: Entry, findings: readonly Finding[]): void {
    if (findings.length === 0) return
    entry.findings.unshift(...findings)
    entry.owed = true
    bound(entry)
  }

  /** It is deleted. */
  function forget({ tenantId, id }: SubscriptionRecord): void {
    entries.delete(`${tenantId}\n${id}`)
  }

  /** Looks whether time alone has changed something. */
  function review(entry: Entry): void {
    if (entry.storing !== null || changeOf(entry, []).patch === null) return
    entry.storing = storeOnce(entry, [])
      .catch((cause) => reportProblem(parts, 'condition', cause))
      .finally(() => {
        entry.storing = null
        // What has come in meanwhile.
        if (entry.findings.length > 0 && isWorthStoring(entry)) entry.storing = storeAll(entry)
      })
  }

  async function follow(entry: Entry, { before, after, change }: Stored): Promise<void> {
    const { state, tidings } = change
    entry.row = after
    entry.storedAt = time.now()
    if (state !== null) {
      entry.window.clear()
      parts.report.subscriptionChanged({
        change: state,
        subscription: await presentSubscription(after, parts),
      })
    }
    const held = state === 'disabled' || (state === 'paused' && holdsAll(after))
    if (held) await hold(after)
    if (state === 'resumed' || state === 'enabled' || held) resumed(after)
    for (const tiding of tidings) await notices.tell(tiding, after, conditionOf(before).failing)
  }

  /** All of its rows at once, so that none is claimed only to be held. */
  async function hold({ tenantId, id }: SubscriptionRecord): Promise<void> {
    while ((await inTurn(() => store.hold(tenantId, id, BLOCK))) === BLOCK);
  }

  return {
    note(subscription, finding) {
      const entry = entryOf(subscription)
      entry.window.add(finding.at, finding.kind === 'failure')
      entry.findings.push(finding)
      if (entry.storing !== null) return bound(entry)
      if (finding.kind === 'success' && !finding.gone && isHealthy(entry.row)) entry.findings.length = 0
      else if (isWorthStoring(entry) || wantsToAsk(entry)) entry.storing = storeAll(entry)
      else trim(entry)
    },
    newest(subscription) {
      const known = entries.get(`${subscription.tenantId}\n${subscription.id}`)?.row
      return known !== undefined && known.revision > subscription.revision ? known : subscription
    },
    review(subscription) {
      if (conditionOf(subscription).failing !== undefined) review(entryOf(subscription))
    },
    async stop(subscription, deliveryId) {
      const entry = entryOf(subscription)
      const row = await stopLine(parts, entry.row, { deliveryId, at: time.now() })
      if (row.revision > entry.row.revision) entry.row = row
    },
    tidy() {
      const now = time.now()
      for (const [key, entry] of entries) {
        const { storing, owed, storedAt, row, window } = entry
        if (storing !== null) continue
        if (owed && isWorthStoring(entry)) {
          entry.storing = storeAll(entry)
          continue
        }
        const isOver = row.state === 'disabled' ? now - storedAt > REMEMBER_MS : isHealthy(row)
        if (isOver && window.isEmpty(now)) entries.delete(key)
        else if (conditionOf(row).failing !== undefined) review(entry)
      }
    },
    async idle() {
      // What came in meanwhile begins with the end of what was being stored.
      for (const entry of entries.values()) while (entry.storing !== null) await entry.storing
      await notices.idle()
    },
  }
}

/** Nothing is stored that a success would end. */
function isHealthy(row: SubscriptionRecord): boolean {
  return conditionOf(row).failing === undefined && row.state === 'active'
}

function breakerMoved(row: SubscriptionRecord, condition: unknown): boolean {
  const after = (condition ?? {}) as ReturnType<typeof conditionOf>
  return conditionOf(row).breaker?.nextProbeAt !== after.breaker?.nextProbeAt
}

/** A short pause leaves retries where they are, unless the first of a line is one: the next probe must be able to take it. */
function holdsAll(row: SubscriptionRecord): boolean {
  return conditionOf(row).breaker?.cause === 'failing' || orderingOf(row) !== 'none'
}
