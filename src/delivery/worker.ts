/**
 * The worker of this process: claims what it has room for, expands it, sends each task in its turn, records the
 * outcome, and settles the queue row when its last task is done. Claiming goes on while requests are in flight.
 */
import type { Parts } from '../parts.ts'
import { tenantBucket } from '../patterns.ts'
import type { Claimed } from '../queries.ts'
import type { DeliveryWork, EventWork, JobWork, Work } from '../records.ts'
import { createClaimSize } from './claim-size.ts'
import { outcomeOf } from './deliver.ts'
import { type Expanded, expand } from './expand.ts'
import type { Holding } from './holding.ts'
import { createJobRunner } from './jobs.ts'
import { lagOf } from './lag.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { createLostRows, isLost } from './lost-rows.ts'
import { createTenantViews } from './match.ts'
import { reportProblem } from './problem.ts'
import { createTaskRunner } from './run-task.ts'
import type { Task, TaskGroup } from './task.ts'

/** Tasks that wait in this process for their turn, at least: fewer would mean small claims. */
const MIN_AHEAD = 256

/** How soon a row is due again that goes back unsent. */
const AGAIN_MS = 1_000

/** What a worker can do; `schedule.ts` decides when. */
export interface Worker {
  /** Claims once and starts what came. Returns how much came and when more is due (ms from now, or null). */
  claimOnce(alone: boolean): Promise<{
    readonly count: number
    readonly full: boolean
    readonly dueInMs: number | null
    /** Null: there was no room for a look. */
    readonly suspects: boolean | null
  }>
  /** Takes work that was appended already claimed. */
  accept(work: readonly Work[], versions: ReadonlyMap<string, number>, askedAt: number): void
  /** How `publish` may append already claimed: null when the events are to wait their turn in the queue. */
  claimForAppend(
    events: readonly { readonly tenantId: string }[],
  ): { readonly token: string; readonly leaseMs: number; readonly room: number } | null
  /** While true, publishes append unclaimed: a row that may have killed processes is to be handled by itself. */
  keepFree(free: boolean): void
  /**
   * The longest a request may take that starts now; null: nothing may start. `mayWait`: outcomes wait for the end of an outage of the
   * store, however long it lasts. @default false: for as long as a lease
   */
  setDeadline(deadline: () => number | null, mayWait?: boolean): void
  /** Gives back what has not started. */
  giveBack(): Promise<void>
  /** Aborts what is in flight. */
  abort(): void
  /** Resolves when nothing is claimed by this worker any more. */
  idle(): Promise<void>
  readonly busy: boolean
  readonly room: number
  /** True when there is room for a claim worth its while. */
  readonly canClaim: boolean
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
  const { time, conditions, releaser } = holding
  const leaseMs = parts.timeoutMs * 2
  const capacity = parts.concurrency + Math.max(parts.concurrency, MIN_AHEAD)
  const problem = (during: string, cause: unknown) => reportProblem(parts, during, cause)
  const views = createTenantViews(store, problem)
  const runner = createTaskRunner(parts, holding, () => lanes, {
    problem,
    deadline: () => deadlineNow(),
    mayWait: () => mayWait,
    signal: () => aborter.signal,
    onProgress,
    onDueSoon,
    onStored: (work) => lost.released(work),
    onSettled: release,
  })
  const jobs = createJobRunner(parts)
  const lanes: Lanes = createLanes(parts, clock, (task) => void runner.attempt(task))
  let deadlineNow: () => number | null = () => parts.timeoutMs
  let mayWait = false
  let aborter = new AbortController()
  const claimSize = createClaimSize(clock)
  let claimedGroups = 0
  let lastClaimFull = false
  let keptFree = false
  /** Tasks on their way back to the store: claiming more than it takes back would let the outcomes of the others wait behind them. */
  let deferring = 0
  /** Rows whose tasks are not known yet: a snapshot is read for them, or the host transforms them. */
  let expanding = 0
  const idleWaiters: (() => void)[] = []

  const isOurs = (tenantId: string): boolean => {
    if (parts.buckets === null) return true
    const bucket = tenantBucket(tenantId)
    return bucket >= parts.buckets.from && bucket <= parts.buckets.to
  }
  const room = () => capacity - lanes.inFlight - lanes.waiting - deferring - expanding
  const hasRoom = () => room() >= capacity / 4
  const lost = createLostRows(parts.concurrency, claimSize.rowsOf)

  /** Its lease has ended, and what came of it waits to be stored, be it that the database was away for so long: it is not sent again. */
  async function putBack(work: Work): Promise<void> {
    await runner.handBack(work.claim, AGAIN_MS)
    release(work)
  }

  function release(work: Work): void {
    claimedGroups -= 1
    lost.released(work)
    onProgress()
    if (claimedGroups === 0) for (const waiter of idleWaiters.splice(0)) waiter()
  }

  async function start(work: EventWork | DeliveryWork, version: number, leaseEnds: number): Promise<void> {
    let expanded: Expanded
    expanding += 1
    try {
      const coming = expand(work, version, leaseEnds, time.now(), parts, views)
      expanded = coming instanceof Promise ? await coming : coming
      if (expanded.ranges !== null) return await split(work, expanded.ranges)
      claimSize.expanded(expanded.tasks.length)
    } catch (cause) {
      problem('expand', cause)
      await runner.handBack(work.claim, AGAIN_MS)
      return release(work)
    } finally {
      expanding -= 1
    }
    // From here on requests may be in flight: the last task ends the claim, and nothing else does.
    const begun = begin(expanded)
    if (begun !== undefined) await begun
  }

  async function split(work: Work, ranges: NonNullable<Expanded['ranges']>): Promise<void> {
    await store.split(work.claim, ranges)
    onProgress()
    release(work)
  }

  /** Puts the tasks into their lanes; the rest of it only where there is some. */
  function begin(expanded: Expanded): Promise<void> | undefined {
    const { group, tasks, settled, ordered } = expanded
    group.open += 1
    // What lost a claim has waited for the end of that lease, and is not to be lost again behind others.
    for (const task of tasks) lanes.add(task, group.work.lostClaims > 0)
    return settled.length === 0 && !ordered ? runner.settle(group) : beginRest(expanded)
  }

  async function beginRest({ group, settled, ordered }: Expanded): Promise<void> {
    await Promise.all(
      settled.map(({ outcome, subscription }) => runner.put(group, outcome, subscription, false)),
    )
    if (ordered && group.open > 1 && !group.abandoned) await leaveOrder(group)
    await runner.settle(group)
  }

  /** Where that fails the event keeps its place in the order until its last task is done. */
  async function leaveOrder({ work }: TaskGroup): Promise<void> {
    try {
      await store.leaveOrder([work.claim])
      releaser.unblock(work.tenantId)
    } catch (cause) {
      problem('order', cause)
    }
  }

  async function runJob(work: JobWork, leaseEnds: number): Promise<void> {
    const isOver = () => deadlineNow() === null || leaseEnds - clock.monotonic() < leaseMs / 2
    await jobs(work, isOver).catch((cause) => problem('job', cause))
    release(work)
  }

  /** Waiting tasks of slow lanes go to the store as deliveries of their own, so that others find room. */
  function spill(): void {
    for (const task of lanes.takeStuck()) {
      if (task.stored !== null) {
        task.group.unfinished = true
        void runner.settle(task.group)
        continue
      }
      void defer(task)
    }
  }

  /** Becomes a row of its own, due at once, for whoever has room. */
  async function defer(task: Task): Promise<void> {
    const deferred = outcomeOf(task, null, { state: 'pending', delayMs: 0, trigger: 'event' })
    deferring += 1
    await runner.put(task.group, deferred, task.target.subscription, true)
    deferring -= 1
    await runner.settle(task.group)
  }

  return {
    async claimOnce(alone) {
      if (room() < capacity / 2 || lost.room === 0) spill()
      const lostOnce = lost.room
      const limit = alone
        ? 1
        : hasRoom()
          ? claimSize.rowsFor(room())
          : lost.isWanting
            ? claimSize.rowsFor(lostOnce)
            : 0
      if (limit === 0) return { count: 0, full: true, dueInMs: null, suspects: null }
      const askedAt = clock.monotonic()
      const claim = store.claim({
        token: crypto.randomUUID(),
        leaseMs,
        limit,
        perTenant: Math.max(10, limit >> 2),
        perSubscription: parts.perSubscription,
        shares: lanes.shares(),
        lostOnce,
        alone,
        ...(parts.buckets === null ? {} : { buckets: parts.buckets }),
      })
      const claimed: Claimed = await claimSize.learn(limit, claim)
      time.correct(claimed.now, askedAt)
      parts.statistics.claimed(claimed.now, lagOf(claimed))
      lastClaimFull = claimed.work.length >= limit
      if (!alone) lost.learn(Math.min(lostOnce, limit), claimed.work)
      this.accept(claimed.work, claimed.versions, askedAt)
      const dueInMs = claimed.nextDueAt === null ? null : claimed.nextDueAt - claimed.now
      return { count: claimed.work.length, full: lastClaimFull, dueInMs, suspects: claimed.suspects }
    },
    accept(work, versions, askedAt) {
      const leaseEnds = askedAt + leaseMs
      for (const item of work) {
        claimedGroups += 1
        lost.claimed(item)
        if (item.kind === 'job') void runJob(item, leaseEnds)
        else if (isLost(item) && runner.hasInHand(item.claim.row)) void putBack(item)
        else void start(item, versions.get(item.tenantId) ?? 0, leaseEnds)
      }
    },
    claimForAppend(events) {
      if (!events.every(({ tenantId }) => isOurs(tenantId))) return null
      if (keptFree || lastClaimFull || !hasRoom() || deadlineNow() === null) return null
      return { token: crypto.randomUUID(), leaseMs, room: room() }
    },
    keepFree(free) {
      keptFree = free
    },
    setDeadline(deadline, waits = false) {
      deadlineNow = deadline
      mayWait = waits
    },
    async giveBack() {
      const waiting = lanes.takeWaiting()
      const unsent = new Map<TaskGroup, number>()
      for (const { group } of waiting) unsent.set(group, (unsent.get(group) ?? 0) + 1)
      // The row of an event that is being sent to others goes back when they have answered: its rest does not wait for them.
      const begun = new Set([...unsent].flatMap(([group, count]) => (count < group.open ? [group] : [])))
      await Promise.all(
        waiting.map((task) => {
          if (begun.has(task.group)) return defer(task)
          task.group.unfinished = true
          return runner.settle(task.group)
        }),
      )
    },
    abort() {
      aborter.abort()
      aborter = new AbortController()
    },
    async idle() {
      if (claimedGroups > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
      await runner.idle()
      await conditions.idle()
    },
    get busy() {
      return claimedGroups > 0
    },
    get room() {
      return room()
    },
    get canClaim() {
      return hasRoom() || lost.isWanting
    },
  }
}
