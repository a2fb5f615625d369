/**
 * Fair shares in this process: which waiting task starts next. Each subscription has a lane with a share of
 * requests in flight, each origin a share of its own, the process a total. Picking is O(1); lanes take turns.
 */
import type { Clock } from '../clock.ts'
import type { Task } from './task.ts'

interface Lane {
  readonly key: string
  readonly waiting: Task[]
  head: number
  /** How many of those that wait were put before the others. */
  first: number
  inFlight: number
  ready: boolean
  /** Running mean of the time a request takes, in ms. */
  meanMs: number
  lastProgressAt: number
}

interface Origin {
  inFlight: number
  readonly blocked: Lane[]
}

export interface LaneLimits {
  readonly concurrency: number
  readonly perSubscription: number
  readonly perOrigin: number
}

export interface Lanes {
  /** `first`: before what waits in its lane already, after what was put there so. */
  add(task: Task, first?: boolean): void
  /**
   * The request of a started task has ended, `tookMs` null when nothing was sent: its lane and its origin may start the next. `timedOut`
   * lowers the lane's share to 1 after three in a row. It counts as in flight until `free`.
   */
  done(task: Task, tookMs: number | null, timedOut: boolean): void
  /** What came of it is stored, or will not be: the process may start another. */
  free(): void
  /** Takes out all tasks that have not started. */
  takeWaiting(): Task[]
  /** Takes out what would wait for more than five seconds in lanes whose receivers are slow. */
  takeStuck(): Task[]
  /** What a claim may take for each lane whose pace is known, or that is busy. */
  shares(): ReadonlyMap<string, number>
  readonly inFlight: number
  readonly waiting: number
}

const SLOW_AFTER_TIMEOUTS = 3
const PATIENCE_MS = 5_000
/** Faster lanes make room by themselves; less may be this process's own event loop that was busy. */
const SLOW_MS = 250
/** The same of a lane from which nothing has come yet. */
const SILENT_MS = 1_000
/** A claim takes as much for a quick lane as its share is through with in so long: its stored deliveries would come in handfuls else. */
const AHEAD_MS = 100
/** … but no more than so many times its share. */
const MOST_AHEAD = 25
/** Lanes whose pace is remembered while they are empty. */
const MANY = 1_000
/** Lanes whose timeouts are remembered; one that is forgotten has to time out three times again. */
const MANY_TIMED_OUT = 10_000

/** Calls `start` for each task whose turn has come; the caller then calls `done`. */
export function createLanes(limits: LaneLimits, clock: Clock, start: (task: Task) => void): Lanes {
  const lanes = new Map<string, Lane>()
  const origins = new Map<string, Origin>()
  const timeouts = new Map<string, number>()
  /** Mean times of lanes that were emptied last. */
  const paces = new Map<string, number>()
  const ready: Lane[] = []
  let readyHead = 0
  let inFlight = 0
  let waiting = 0
  let pumping = false

  const waitingIn = (lane: Lane) => lane.waiting.length - lane.head
  const shareOf = (key: string) =>
    (timeouts.get(key) ?? 0) >= SLOW_AFTER_TIMEOUTS ? 1 : limits.perSubscription

  function originOf(task: Task): Origin {
    let origin = origins.get(task.target.origin)
    if (origin === undefined) {
      origin = { inFlight: 0, blocked: [] }
      origins.set(task.target.origin, origin)
    }
    return origin
  }

  function makeReady(lane: Lane): void {
    if (lane.ready || waitingIn(lane) === 0 || lane.inFlight >= shareOf(lane.key)) return
    lane.ready = true
    ready.push(lane)
  }

  function nextReady(): Lane | undefined {
    const lane = ready[readyHead]
    if (lane === undefined) return undefined
    readyHead += 1
    if (readyHead > 1024 && readyHead * 2 > ready.length) {
      ready.splice(0, readyHead)
      readyHead = 0
    }
    lane.ready = false
    return lane
  }

  function shift(lane: Lane): Task | undefined {
    const task = lane.waiting[lane.head]
    if (task === undefined) return undefined
    lane.head += 1
    lane.first = Math.max(0, lane.first - 1)
    if (lane.head > 64 && lane.head * 2 > lane.waiting.length) {
      lane.waiting.splice(0, lane.head)
      lane.head = 0
    }
    return task
  }

  function pump(): void {
    if (pumping) return
    pumping = true
    while (inFlight < limits.concurrency) {
      const lane = nextReady()
      if (lane === undefined) break
      const task = lane.waiting[lane.head]
      if (task === undefined || lane.inFlight >= shareOf(lane.key)) {
        forget(lane)
        continue
      }
      const origin = originOf(task)
      if (origin.inFlight >= limits.perOrigin) {
        lane.ready = true
        origin.blocked.push(lane)
        continue
      }
      shift(lane)
      waiting -= 1
      inFlight += 1
      lane.inFlight += 1
      origin.inFlight += 1
      makeReady(lane)
      start(task)
    }
    pumping = false
  }

  function take(lane: Lane, keep: number): Task[] {
    const taken = lane.waiting.splice(lane.head + keep)
    waiting -= taken.length
    lane.first = Math.min(lane.first, keep)
    forget(lane)
    return taken
  }

  function forget(lane: Lane): void {
    if (lane.inFlight > 0 || waitingIn(lane) > 0 || lane.ready) return
    lanes.delete(lane.key)
    paces.delete(lane.key)
    if (lane.meanMs > 0) paces.set(lane.key, lane.meanMs)
    keepLast(paces, MANY)
  }

  function countTimeout(key: string): void {
    const before = timeouts.get(key) ?? 0
    timeouts.delete(key)
    timeouts.set(key, before + 1)
    keepLast(timeouts, MANY_TIMED_OUT)
  }

  /** How long a request of it takes, or nothing has come from it, be it that its origin is taken by others. */
  function paceOf(lane: Lane, now: number): number {
    const silentMs = lane.inFlight > 0 || waitingIn(lane) > 0 ? now - lane.lastProgressAt : 0
    return Math.max(lane.meanMs, silentMs < SILENT_MS ? 0 : silentMs)
  }

  /** How much of a lane may be in this process at once: its share, and of a quick one what that is soon through with. */
  function ahead(key: string, meanMs: number): number {
    const share = shareOf(key)
    if ((timeouts.get(key) ?? 0) >= SLOW_AFTER_TIMEOUTS || meanMs === 0) return share
    return share * Math.max(1, Math.min(MOST_AHEAD, Math.floor(AHEAD_MS / meanMs)))
  }

  return {
    add(task, first = false) {
      let lane = lanes.get(task.lane)
      if (lane === undefined) {
        lane = {
          key: task.lane,
          waiting: [],
          head: 0,
          first: 0,
          inFlight: 0,
          ready: false,
          meanMs: paces.get(task.lane) ?? 0,
          lastProgressAt: clock.monotonic(),
        }
        lanes.set(task.lane, lane)
      }
      if (first) lane.waiting.splice(lane.head + lane.first++, 0, task)
      else lane.waiting.push(task)
      waiting += 1
      makeReady(lane)
      pump()
    },

    done(task, tookMs, timedOut) {
      if (timedOut) countTimeout(task.lane)
      else if (tookMs !== null) timeouts.delete(task.lane)
      const lane = lanes.get(task.lane)
      if (lane !== undefined) {
        lane.inFlight -= 1
        if (tookMs !== null) {
          lane.meanMs = lane.meanMs === 0 ? tookMs : lane.meanMs * 0.8 + tookMs * 0.2
          lane.lastProgressAt = clock.monotonic()
        }
        makeReady(lane)
        forget(lane)
      }
      const origin = origins.get(task.target.origin)
      if (origin !== undefined) {
        origin.inFlight -= 1
        for (const blocked of origin.blocked.splice(0)) {
          blocked.ready = false
          makeReady(blocked)
          forget(blocked)
        }
        if (origin.inFlight === 0) origins.delete(task.target.origin)
      }
      pump()
    },

    free() {
      inFlight -= 1
      pump()
    },

    takeWaiting() {
      return [...lanes.values()].flatMap((lane) => take(lane, 0))
    },

    takeStuck() {
      const now = clock.monotonic()
      return [...lanes.values()].flatMap((lane) => {
        const share = shareOf(lane.key)
        const meanMs = paceOf(lane, now)
        if (meanMs < SLOW_MS) return []
        const keep = Math.max(share, Math.ceil((PATIENCE_MS / meanMs) * share))
        return waitingIn(lane) > keep ? take(lane, keep) : []
      })
    },

    shares() {
      const free = new Map<string, number>()
      for (const [key, meanMs] of paces) free.set(key, ahead(key, meanMs))
      const now = clock.monotonic()
      for (const lane of lanes.values()) {
        // One that cannot even start is no quick one.
        const most = lane.inFlight === 0 ? shareOf(lane.key) : ahead(lane.key, paceOf(lane, now))
        free.set(lane.key, Math.max(0, most - lane.inFlight - waitingIn(lane)))
      }
      return free
    },

    get inFlight() {
      return inFlight
    },
    get waiting() {
      return waiting
    },
  }
}

/** Subscriptions come and go, and a one-use destination may be any: without an end their lanes would be remembered for ever. */
function keepLast(remembered: Map<string, number>, most: number): void {
  const [oldest] = remembered.keys()
  if (remembered.size > most && oldest !== undefined) remembered.delete(oldest)
}
