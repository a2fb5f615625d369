/**
 * Runs one task whose turn has come: one attempt, its outcome recorded and told of, and the claimed row settled with its last
 * task. Outcomes without an attempt go the same way.
 */
import pRetry from 'p-retry'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../queries.ts'
import type { SubscriptionRecord, Work } from '../records.ts'
import { stopsLine } from './consequences.ts'
import { deliver, outcomeOf } from './deliver.ts'
import { insteadOfSendingNow } from './hold.ts'
import type { Holding } from './holding.ts'
import { createInHand } from './in-hand.ts'
import type { Lanes } from './lanes.ts'
import { storingMs } from './lease-time.ts'
import { hasTenantLimits, isLimited } from './limits.ts'
import { createOneATurn } from './one-a-turn.ts'
import { patience } from './patience.ts'
import { createPreparer } from './prepare.ts'
import { createRecorder } from './record.ts'
import { reportOutcome } from './report-outcome.ts'
import { POLL_MS } from './schedule.ts'
import { createSettler } from './settle.ts'
import type { Task, TaskGroup } from './task.ts'

/** What the worker tells it. */
export interface Running {
  readonly problem: (during: string, cause: unknown) => void
  /** The longest a request may take that starts now; null: nothing may start. */
  readonly deadline: () => number | null
  /** Outcomes may wait for the end of an outage of the store. */
  readonly mayWait: () => boolean
  /** Aborts what is in flight. */
  readonly signal: () => AbortSignal
  readonly onProgress: () => void
  readonly onDueSoon: () => void
  /** An outcome of a claimed row is stored: the claims that it had lost before are forgotten. */
  readonly onStored: (work: Work) => void
  /** A claimed row is settled, or left to its lease. */
  readonly onSettled: (work: Work) => void
}

/** Runs tasks of `lanes`. */
export function createTaskRunner(parts: Parts, holding: Holding, lanes: () => Lanes, running: Running) {
  const { store, clock } = parts
  const { time, conditions, notices, releaser } = holding
  const preparer = createPreparer(parts)
  const recorder = createRecorder(parts, running.mayWait)
  const settler = createSettler(store, running.problem)
  const oneATurn = createOneATurn()
  const inHand = createInHand()

  /** Never rejects: whatever throws, its place is free afterwards and its group one task further. */
  async function attempt(task: Task): Promise<void> {
    const place = placeOf(task, lanes())
    const { row } = task.group.work.claim
    inHand.take(row)
    try {
      await run(task, place)
    } catch (cause) {
      running.problem('deliver', cause)
      // Whether it was sent is not known, so it comes back with its lease.
      task.group.abandoned = true
    }
    place.leave()
    inHand.leave(row)
    await settle(task.group)
  }

  async function run(task: Task, place: Place): Promise<void> {
    const { group, target } = task
    const { subscription } = target
    const turn = oneATurn(task.body)
    if (turn !== null) await turn
    const deadlineMs = running.deadline()
    const leaseLeft = group.leaseEnds - clock.monotonic()
    if (deadlineMs === null || leaseLeft < deadlineMs + storingMs(parts)) return leaveUnsent(group)
    const held = heldMeanwhile(task)
    if (held !== null) {
      place.leave()
      return record(group, held, subscription, true)
    }
    const given = { deadlineMs, mayStart: () => running.deadline() !== null, signal: running.signal() }
    const done = await deliver(task, given, parts, preparer, time)
    if (done === null) return leaveUnsent(group)
    if (!(await stopLine(done.outcome, subscription))) return leaveToLease(group)
    const recorded = record(group, done.outcome, subscription, true)
    place.done(done.tookMs, done.timedOut)
    // Until then it would be sent again if this process died, so it keeps its place.
    await recorded
    place.leave()
    running.onProgress()
    const { next } = done.outcome
    if (next.state === 'pending' && next.delayMs < POLL_MS) running.onDueSoon()
    if (subscription !== null && done.finding !== null) conditions.note(subscription, done.finding)
  }

  /**
   * Before the outcome is stored, which lets the next of the line go. An outage is waited for as long as for the outcome. False: the
   * line could not be stopped, so the outcome must not be stored either.
   */
  async function stopLine(outcome: Outcome, subscription: SubscriptionRecord | null): Promise<boolean> {
    if (subscription === null || !stopsLine(outcome, subscription)) return true
    try {
      const stop = () => conditions.stop(subscription, outcome.delivery.id)
      await pRetry(
        stop,
        patience(parts, () => true),
      )
      return true
    } catch (cause) {
      running.problem('condition', cause)
      return false
    }
  }

  /** A task that waited for its turn while this process paused or disabled its subscription. */
  function heldMeanwhile(task: Task): Outcome | null {
    const { subscription } = task.target
    if (subscription === null) return null
    const newest = conditions.newest(subscription)
    if (newest === subscription) return null
    const next = insteadOfSendingNow({ ...task, target: { ...task.target, subscription: newest } }, parts)
    return next === null ? null : outcomeOf(task, null, next)
  }

  /** Records an outcome that no attempt brought, of one of the group's open tasks or not. */
  async function put(
    group: TaskGroup,
    outcome: Outcome,
    subscription: SubscriptionRecord | null,
    ofTask: boolean,
  ): Promise<void> {
    if (!(await stopLine(outcome, subscription))) return leaveToLease(group)
    await record(group, outcome, subscription, ofTask)
  }

  /** Records an outcome, tells of it, and lets what waited for it go on. */
  async function record(
    group: TaskGroup,
    outcome: Outcome,
    subscription: SubscriptionRecord | null,
    ofTask: boolean,
  ): Promise<void> {
    const limited = subscription !== null && isLimited(subscription, parts)
    const recorded = await recorder.record(outcome, ofTask ? group : null, limited)
    if (recorded === null) group.abandoned = true
    else if (recorded.finished === true) group.finished = true
    if (recorded?.result === 'recorded' && group.work.lostClaims > 0) running.onStored(group.work)
    reportOutcome(parts, notices, recorded)
    if (subscription === null) return
    if (limited) {
      if (hasTenantLimits(subscription, parts)) releaser.unblock(subscription.tenantId)
      releaser.mark(subscription.tenantId, subscription.id, subscription)
      releaser.kick()
    } else if (outcome.next.state === 'held') {
      releaser.notice(subscription.tenantId, subscription.id)
    }
  }

  function leaveUnsent(group: TaskGroup): void {
    group.unfinished = true
  }

  function leaveToLease(group: TaskGroup): void {
    group.abandoned = true
  }

  /** The last task of a group removes its queue row, or gives it back when a task was left unsent. */
  function settle(group: TaskGroup): Promise<void> | undefined {
    group.open -= 1
    if (group.open > 0) return
    const { work, abandoned, unfinished, finished } = group
    // An outcome that the store refused comes back with the lease.
    if (!abandoned && (unfinished || (work.kind === 'event' && !finished))) return end(group)
    if (!abandoned && work.kind === 'event') releaser.unblock(work.tenantId)
    running.onSettled(work)
  }

  async function end({ work, unfinished, againMs }: TaskGroup): Promise<void> {
    if (unfinished) await settler.handBack(work.claim, againMs)
    else {
      await settler.finish(work.claim)
      releaser.unblock(work.tenantId)
    }
    running.onSettled(work)
  }

  return {
    attempt,
    put,
    settle,
    handBack: settler.handBack,
    hasInHand: inHand.has,
    idle: () => recorder.idle(),
  }
}

/** A task's place among the requests in flight. */
type Place = ReturnType<typeof placeOf>

/** Each part of it is given up once, however often that is asked for. */
function placeOf(task: Task, lanes: Lanes) {
  let isDone = false
  let isFree = false
  function done(tookMs: number | null, timedOut: boolean): void {
    if (isDone) return
    isDone = true
    lanes.done(task, tookMs, timedOut)
  }
  return {
    /** @see Lanes.done */
    done,
    /** @see Lanes.free */
    leave() {
      done(null, false)
      if (isFree) return
      isFree = true
      lanes.free()
    },
  }
}
