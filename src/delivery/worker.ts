/**
 * The worker of this process: claims what it has room for, expands it, sends each task in its turn, records the
 * outcome, and settles the queue row when its last task is done. Claiming goes on while requests are in flight.
 */
import type { Parts } from '../parts.ts'
import { tenantBucket } from '../patterns.ts'
import type { Claimed, Outcome } from '../queries.ts'
import type { JobWork, SubscriptionRecord, Work } from '../records.ts'
import { stopsLine } from './consequences.ts'
import { deliver, outcomeOf } from './deliver.ts'
import { type Expanded, expand } from './expand.ts'
import { insteadOfSendingNow } from './hold.ts'
import type { Holding } from './holding.ts'
import { createJobRunner } from './jobs.ts'
import { createLanes } from './lanes.ts'
import { hasTenantLimits, isLimited } from './limits.ts'
import { createTenantViews } from './match.ts'
import { createPreparer } from './prepare.ts'
import { reportProblem } from './problem.ts'
import { createRecorder } from './record.ts'
import { reportOutcome } from './report-outcome.ts'
import { POLL_MS } from './schedule.ts'
import { createSettler } from './settle.ts'
import type { Task, TaskGroup } from './task.ts'

/** Tasks that wait in this process for their turn, at least: fewer would mean small claims. */
const MIN_AHEAD = 256

/** What a worker can do; `schedule.ts` decides when. */
export interface Worker {
  /** Claims once and starts what came. Returns how much came and when more is due (ms from now, or null). */
  claimOnce(alone: boolean): Promise<{
    readonly count: number
    readonly full: boolean
    readonly dueInMs: number | null
    readonly suspects: boolean
  }>
  /** Takes work that was appended already claimed. */
  accept(work: readonly Work[], versions: ReadonlyMap<string, number>, askedAt: number): void
  /** How `publish` may append already claimed: null when the events are to wait their turn in the queue. */
  claimForAppend(
    events: readonly { readonly tenantId: string }[],
  ): { readonly token: string; readonly leaseMs: number; readonly room: number } | null
  /** While true, publishes append unclaimed: a row that may have killed processes is to be handled by itself. */
  keepFree(free: boolean): void
  /** The longest a request may take that starts now; null: nothing may start. */
  setDeadline(deadline: () => number | null): void
  /** Gives back what has not started. */
  giveBack(): Promise<void>
  /** Aborts what is in flight. */
  abort(): void
  /** Resolves when nothing is claimed by this worker any more. */
  idle(): Promise<void>
  readonly busy: boolean
  readonly room: number
}

/** What a worker tells whoever decides when it works. */
export interface Signals {
  /** A task has ended: there may be room for more. */
  readonly onProgress: () => void
  /** A retry falls due before the next poll. */
  readonly onDueSoon: () => void
}

export function createWorker(parts: Parts, holding: Holding, { onProgress, onDueSoon }: Signals): Worker {
  const { store, clock } = parts
  const { time, conditions, notices, releaser } = holding
  const leaseMs = parts.timeoutMs * 2
  const capacity = parts.concurrency + Math.max(parts.concurrency, MIN_AHEAD)
  const problem = (during: string, cause: unknown) => reportProblem(parts, during, cause)
  const views = createTenantViews(store, problem)
  const preparer = createPreparer(parts)
  const recorder = createRecorder(parts)
  const settler = createSettler(store, problem)
  const jobs = createJobRunner(parts)
  const lanes = createLanes(parts, clock, (task) => void attempt(task))
  let deadlineNow: () => number | null = () => parts.timeoutMs
  let aborter = new AbortController()
  let claimedGroups = 0
  let lastClaimFull = false
  let keptFree = false
  const idleWaiters: (() => void)[] = []

  const isOurs = (tenantId: string): boolean => {
    if (parts.buckets === null) return true
    const bucket = tenantBucket(tenantId)
    return bucket >= parts.buckets.from && bucket <= parts.buckets.to
  }
  const room = () => capacity - lanes.inFlight - lanes.waiting

  async function attempt(task: Task): Promise<void> {
    const deadlineMs = deadlineNow()
    const leaseLeft = task.group.leaseEnds - clock.monotonic()
    if (deadlineMs === null || leaseLeft < deadlineMs) return leaveUnsent(task)
    const held = heldMeanwhile(task)
    if (held !== null) {
      lanes.done(task, 0, false)
      await put(task.group, held, task.target.subscription, true)
      return settle(task.group)
    }
    const done = await deliver(task, deadlineMs, aborter.signal, parts, preparer, time).catch((cause) => {
      problem('deliver', cause)
      return null
    })
    if (done === null) return leaveUnsent(task)
    const { subscription } = task.target
    if (subscription !== null && stopsLine(task, done)) await conditions.stop(subscription, task.delivery.id)
    const recorded = put(task.group, done.outcome, subscription, true)
    lanes.done(task, done.tookMs, done.timedOut)
    onProgress()
    await recorded
    const { next } = done.outcome
    if (next.state === 'pending' && next.delayMs < POLL_MS) onDueSoon()
    if (subscription !== null && done.finding !== null) await conditions.note(subscription, done.finding)
    await settle(task.group)
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

  /** Records an outcome, of one of the group's open tasks or not, tells of it, and lets what waited for it go on. */
  async function put(
    group: TaskGroup,
    outcome: Outcome,
    subscription: SubscriptionRecord | null,
    ofTask: boolean,
  ): Promise<void> {
    const recorded = await recorder.record(outcome, ofTask ? group : null)
    if (recorded === null) group.abandoned = true
    else if (recorded.finished === true) group.finished = true
    reportOutcome(parts, notices, recorded)
    if (subscription === null) return
    if (isLimited(subscription, parts)) {
      if (hasTenantLimits(subscription, parts)) releaser.unblock(subscription.tenantId)
      releaser.mark(subscription.tenantId, subscription.id, subscription)
      releaser.kick()
    } else if (outcome.next.state === 'held') {
      releaser.notice(subscription.tenantId, subscription.id)
    }
  }

  async function leaveUnsent(task: Task): Promise<void> {
    task.group.unfinished = true
    lanes.done(task, 0, false)
    await settle(task.group)
  }

  /** The last task of a group removes its queue row, or gives it back when a task was left unsent. */
  async function settle(group: TaskGroup): Promise<void> {
    group.open -= 1
    if (group.open > 0) return
    const { claim, kind, tenantId } = group.work
    // An outcome that the store refused comes back with the lease.
    if (group.abandoned) return release()
    if (group.unfinished) await settler.handBack(claim, group.againMs)
    else if (kind === 'event') {
      if (!group.finished) await settler.finish(claim)
      releaser.unblock(tenantId)
    }
    release()
  }

  function release(): void {
    claimedGroups -= 1
    onProgress()
    if (claimedGroups === 0) for (const waiter of idleWaiters.splice(0)) waiter()
  }

  async function start(work: Work, version: number, leaseEnds: number): Promise<void> {
    claimedGroups += 1
    if (work.kind === 'job') return runJob(work, leaseEnds)
    try {
      await begin(await expand(work, version, leaseEnds, time.now(), parts, views))
    } catch (cause) {
      problem('expand', cause)
      await settler.handBack(work.claim, 1_000)
      release()
    }
  }

  async function begin(expanded: Expanded): Promise<void> {
    const { group, tasks, settled, ranges } = expanded
    group.open += 1
    for (const task of tasks) lanes.add(task)
    if (ranges !== null) {
      await store.split(group.work.claim, ranges)
      onProgress()
      return release()
    }
    await Promise.all(settled.map(({ outcome, subscription }) => put(group, outcome, subscription, false)))
    if (expanded.ordered && group.open > 1 && !group.abandoned) {
      await store.leaveOrder([group.work.claim])
      releaser.unblock(group.work.tenantId)
    }
    await settle(group)
  }

  async function runJob(work: JobWork, leaseEnds: number): Promise<void> {
    const isOver = () => deadlineNow() === null || leaseEnds - clock.monotonic() < leaseMs / 2
    await jobs(work, isOver).catch((cause) => problem('job', cause))
    release()
  }

  /** Waiting tasks of slow lanes go to the store as deliveries of their own, so that others find room. */
  function spill(): void {
    for (const task of lanes.takeStuck()) {
      if (task.stored !== null) {
        task.group.unfinished = true
        void settle(task.group)
        continue
      }
      const deferred = outcomeOf(task, null, { state: 'pending', delayMs: 0, trigger: 'event' })
      void put(task.group, deferred, task.target.subscription, true).then(() => settle(task.group))
    }
  }

  return {
    async claimOnce(alone) {
      if (room() < capacity / 2) spill()
      const limit = alone ? 1 : room() < capacity / 4 ? 0 : Math.min(room(), 500)
      if (limit === 0) return { count: 0, full: true, dueInMs: null, suspects: false }
      const askedAt = clock.monotonic()
      const claimed: Claimed = await store.claim({
        token: crypto.randomUUID(),
        leaseMs,
        limit,
        perTenant: Math.max(10, limit >> 2),
        perSubscription: parts.perSubscription,
        shares: lanes.shares(),
        alone,
        ...(parts.buckets === null ? {} : { buckets: parts.buckets }),
      })
      time.correct(claimed.now, askedAt)
      parts.statistics.claimed(claimed.now, lagOf(claimed))
      lastClaimFull = claimed.work.length >= limit
      this.accept(claimed.work, claimed.versions, askedAt)
      const dueInMs = claimed.nextDueAt === null ? null : claimed.nextDueAt - claimed.now
      return { count: claimed.work.length, full: lastClaimFull, dueInMs, suspects: claimed.suspects }
    },
    accept(work, versions, askedAt) {
      for (const item of work) void start(item, versions.get(item.tenantId) ?? 0, askedAt + leaseMs)
    },
    claimForAppend(events) {
      if (!events.every(({ tenantId }) => isOurs(tenantId))) return null
      if (keptFree || lastClaimFull || room() < capacity / 4 || deadlineNow() === null) return null
      return { token: crypto.randomUUID(), leaseMs, room: room() }
    },
    keepFree(free) {
      keptFree = free
    },
    setDeadline(deadline) {
      deadlineNow = deadline
    },
    async giveBack() {
      for (const task of lanes.takeWaiting()) {
        task.group.unfinished = true
        await settle(task.group)
      }
    },
    abort() {
      aborter.abort()
      aborter = new AbortController()
    },
    async idle() {
      if (claimedGroups > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
      await recorder.idle()
      await conditions.idle()
    },
    get busy() {
      return claimedGroups > 0
    },
    get room() {
      return room()
    },
  }
}

/** How long the oldest of what was claimed had been due. */
function lagOf({ work, now }: Claimed): number {
  const dueAt = work.flatMap((one) => {
    if (one.kind === 'delivery') return one.delivery.nextAttemptAt ?? []
    return one.kind === 'event' && !one.resumed ? one.event.dueAt : []
  })
  return Math.max(0, now - Math.min(now, ...dueAt))
}
