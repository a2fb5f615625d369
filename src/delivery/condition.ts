/**
 * What is remembered about a subscription's health, and how findings change it. Pure: rows and findings in, the patch
 * and what is to be told out. Stored by `conditions.ts`, on change only.
 */
import { isKnownSubscriptionState, type JsonObject } from '../model.ts'
import type { SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import type { Policy } from './policy.ts'

/** Nothing but failures since the last success. */
export interface Failing {
  /** When the first of them ended. */
  readonly since: number
  readonly last: number
  /** Counted as far as it matters, not to the end. */
  readonly attempts: number
  /** The first few deliveries that failed. */
  readonly deliveries: readonly string[]
  /** The share of the span, in per cent, that was told last. */
  readonly told: 0 | 25 | 50 | 75
  /** When it was told that it will be disabled in 24 hours; null: not yet. */
  readonly warnedAt: number | null
}

/** The pause that only a successful probe ends. */
export interface Breaker {
  readonly cause: 'failing' | 'throttled'
  readonly openedAt: number
  /** Probes so far. */
  readonly probes: number
  readonly nextProbeAt: number
}

/** `condition` of a subscription's row. */
export interface Condition {
  readonly failing?: Failing
  readonly breaker?: Breaker
  /** Its backlog is released at a growing pace since then. */
  readonly recovery?: { readonly since: number }
  /** An ordered subscription that stopped because this delivery was given up. */
  readonly stopped?: { readonly deliveryId: string; readonly at: number }
  /** When it became active again last: what was counted before says nothing any more. */
  readonly activeSince?: number
  /** How often the policy has changed the row: the revision that users see leaves these changes out. */
  readonly ownChanges?: number
}

/** What one attempt showed. */
export type Finding =
  | {
      readonly kind: 'success'
      readonly at: number
      /** A test: it lifts an automatic disabling, and what piled up is sent or dropped. */
      readonly enable: 'send' | 'drop' | null
      readonly gone: boolean
    }
  | {
      readonly kind: 'failure'
      readonly at: number
      readonly deliveryId: string
      /** The receiver asks everybody to wait this long. */
      readonly paceMs: number | null
      /** The receiver wants nothing more. */
      readonly gone: boolean
    }

/** What is told when a condition changes. */
export type Tiding =
  | { readonly notice: 'failing' | 'recovered' | 'disabled' }
  | { readonly notice: 'still-failing'; readonly percent: 25 | 50 | 75 }
  | { readonly notice: 'disabling-soon' }

/** What findings come to. */
export interface Change {
  /** Null: nothing is to be stored. */
  readonly patch: SubscriptionPatch | null
  readonly state: 'paused' | 'resumed' | 'disabled' | 'enabled' | null
  readonly tidings: readonly Tiding[]
  readonly failing: Failing | undefined
}

type Row = Pick<SubscriptionRecord, 'state' | 'pausedBy' | 'disabledReason' | 'condition'>
type Standing = { -readonly [Key in keyof Omit<Row, 'condition'>]: Row[Key] } & {
  condition: { -readonly [Key in keyof Condition]: Condition[Key] }
}

const DAY_MS = 86_400_000

/** The stored condition. */
export function conditionOf({ condition }: Pick<Row, 'condition'>): Condition {
  return condition as Condition
}

/** The revision that users see: it grows with what people change, never with what the policy remembers or decides. */
export function revisionOf(row: Pick<SubscriptionRecord, 'condition' | 'revision'>): number {
  return row.revision - (conditionOf(row).ownChanges ?? 0)
}

/** A condition as the policy stores it in this row. */
export function byPolicy(row: Pick<Row, 'condition'>, condition: Condition): JsonObject {
  return JSON.parse(JSON.stringify({ ...condition, ownChanges: (conditionOf(row).ownChanges ?? 0) + 1 }))
}

/** Of what is remembered, nothing but this is left once a person has made it active again. */
export function forgotten(row: Pick<Row, 'condition'>, activeSince: number): JsonObject {
  const { ownChanges } = conditionOf(row)
  return { activeSince, ...(ownChanges === undefined ? {} : { ownChanges }) }
}

/** Applies findings in their order. `shareFailed`: of the attempts of the last minutes too many have failed. */
export function changeBy(
  row: Row,
  findings: readonly Finding[],
  {
    now,
    policy,
    shareFailed,
  }: { readonly now: number; readonly policy: Policy; readonly shareFailed: boolean },
): Change {
  const { state, pausedBy, disabledReason } = row
  // A state of a newer version is not for this one to change.
  if (!isKnownSubscriptionState(state))
    return { patch: null, state: null, tidings: [], failing: conditionOf(row).failing }
  const standing: Standing = { state, pausedBy, disabledReason, condition: { ...conditionOf(row) } }
  for (const finding of findings) {
    if (finding.kind === 'success') succeed(standing, finding, now)
    else fail(standing, finding, now, policy)
  }
  if (isBroken(standing, policy, shareFailed)) open(standing, 'failing', now, now + policy.pace.firstProbeMs)
  remind(standing, now, policy, findings.at(-1)?.kind === 'failure')
  return difference(row, standing)
}

function succeed(
  standing: Standing,
  { enable, gone }: Extract<Finding, { kind: 'success' }>,
  now: number,
): void {
  delete standing.condition.failing
  if (gone && standing.state !== 'disabled') {
    disable(standing, 'gone')
    return
  }
  const automatic = standing.disabledReason === 'failing' || standing.disabledReason === 'gone'
  const lifted = standing.state === 'disabled' && automatic && enable !== null
  if (!lifted && !(standing.state === 'paused' && standing.pausedBy === 'breaker')) return
  standing.state = 'active'
  standing.pausedBy = null
  standing.disabledReason = null
  standing.condition = { recovery: { since: now }, activeSince: now }
}

function fail(
  standing: Standing,
  finding: Extract<Finding, { kind: 'failure' }>,
  now: number,
  policy: Policy,
): void {
  const { at, deliveryId, paceMs, gone } = finding
  const { failing } = standing.condition
  const known = failing?.deliveries ?? []
  const enough = known.includes(deliveryId) || known.length >= (policy.breaker?.deliveries ?? 2)
  standing.condition.failing = {
    since: failing?.since ?? at,
    last: Math.max(failing?.last ?? at, at),
    attempts: (failing?.attempts ?? 0) + 1,
    deliveries: enough ? known : [...known, deliveryId],
    told: failing?.told ?? 0,
    warnedAt: failing?.warnedAt ?? null,
  }
  if (gone && standing.state !== 'disabled') disable(standing, 'gone')
  if (paceMs !== null) open(standing, 'throttled', now, now + paceMs)
}

function isBroken(
  { state, condition: { failing } }: Standing,
  { breaker }: Policy,
  shareFailed: boolean,
): boolean {
  if (breaker === null || state !== 'active' || failing === undefined) return false
  const inRow =
    failing.attempts >= breaker.failures &&
    failing.deliveries.length >= breaker.deliveries &&
    failing.last - failing.since >= breaker.spanMs
  return inRow || shareFailed
}

/** Pauses an active subscription, or puts off the next probe of one that is paused already. */
function open(standing: Standing, cause: Breaker['cause'], now: number, nextProbeAt: number): void {
  const { breaker } = standing.condition
  if (standing.state === 'active') {
    standing.state = 'paused'
    standing.pausedBy = 'breaker'
    delete standing.condition.recovery
    standing.condition.breaker = { cause, openedAt: now, probes: 0, nextProbeAt }
  } else if (standing.pausedBy === 'breaker' && breaker !== undefined && breaker.nextProbeAt < nextProbeAt) {
    standing.condition.breaker = { ...breaker, nextProbeAt }
  }
}

function disable(standing: Standing, reason: 'gone' | 'failing'): void {
  standing.state = 'disabled'
  standing.pausedBy = null
  standing.disabledReason = reason
  delete standing.condition.breaker
  delete standing.condition.recovery
}

/**
 * What follows from time: reminders, and in the end disabling, by a failure at the end of the span or later and never sooner than a
 * day after the warning.
 */
function remind(standing: Standing, now: number, { disableAfter }: Policy, failedNow: boolean): void {
  const { failing } = standing.condition
  if (disableAfter === null || failing === undefined || standing.state === 'disabled') return
  const age = now - failing.since
  const { spanMs } = disableAfter
  const warns = spanMs > DAY_MS
  const warnedAt = failing.warnedAt ?? (warns && age >= spanMs - DAY_MS ? now : null)
  const isWarned = !warns || (warnedAt !== null && now - warnedAt >= DAY_MS)
  const lasted = failing.last - failing.since >= spanMs
  if (failedNow && lasted && failing.attempts >= disableAfter.attempts && isWarned) {
    disable(standing, 'failing')
    return
  }
  const reached = ([75, 50, 25] as const).find((percent) => age >= (spanMs * percent) / 100) ?? 0
  standing.condition.failing = {
    ...failing,
    told: reached > failing.told ? reached : failing.told,
    warnedAt,
  }
}

/** From when on the next failure disables it. */
export function disablesAt({ since, warnedAt }: Failing, spanMs: number): number {
  return Math.max(since + spanMs, (warnedAt ?? Number.NEGATIVE_INFINITY) + DAY_MS)
}

function difference(row: Row, standing: Standing): Change {
  const before = conditionOf(row)
  const { state, pausedBy, disabledReason, condition } = standing
  const { failing } = condition
  const moved = state !== row.state || pausedBy !== row.pausedBy
  const same = !moved && JSON.stringify(before) === JSON.stringify(condition)
  // Naming the state bumps the tenant's version: so other processes learn of a streak that a success of theirs ends.
  const begun = before.failing === undefined && failing !== undefined && state !== 'disabled'
  const stored = byPolicy(row, condition)
  const patch: SubscriptionPatch = moved
    ? { state, pausedBy, disabledReason, condition: stored }
    : { condition: stored, ...(begun ? { state } : {}) }
  return {
    patch: same ? null : patch,
    state: moved ? movement(row, standing) : null,
    tidings: tidingsOf(before.failing, failing, moved && state === 'disabled'),
    failing,
  }
}

function movement(row: Row, { state }: Standing): Change['state'] {
  if (state === 'active') return row.state === 'disabled' ? 'enabled' : 'resumed'
  return state
}

function tidingsOf(before: Failing | undefined, after: Failing | undefined, disabled: boolean): Tiding[] {
  const tidings: Tiding[] = []
  const anew = before !== undefined && after !== undefined && before.since !== after.since
  if (before !== undefined && (after === undefined || anew)) tidings.push({ notice: 'recovered' })
  if (after !== undefined && (before === undefined || anew)) tidings.push({ notice: 'failing' })
  if (disabled) return [...tidings, { notice: 'disabled' }]
  const earlier = anew ? undefined : before
  if (after !== undefined && after.told !== 0 && after.told !== (earlier?.told ?? 0))
    tidings.push({ notice: 'still-failing', percent: after.told })
  const isWarned = (one: Failing | undefined) => (one?.warnedAt ?? null) !== null
  if (isWarned(after) && !isWarned(earlier)) tidings.push({ notice: 'disabling-soon' })
  return tidings
}
