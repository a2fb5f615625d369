/**
 * When the worker works: a loop that claims while there is room, sleeps until the next due time, a wake-up or a
 * second has passed, and backs off when the store fails. Also the bounded runs: `tick`, `drain`, `stop`.
 */
import { PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { WORTH_IT } from './claim-size.ts'
import { endsWithin } from './ends-within.ts'
import type { Releaser } from './release.ts'
import { createSuspects } from './suspects.ts'
import type { Upkeep } from './upkeep.ts'
import { createWaking } from './waking.ts'
import type { Worker } from './worker.ts'

/** Longest sleep while nothing is known to be due; other processes' events are seen after it. */
export const POLL_MS = 1_000
/** With no room left: how soon to look again for lanes that are stuck. A task that ends wakes earlier. */
const FULL_MS = 200
/** The longest rest after a claim that looked at a backlog and found fewer rows than made it worth its cost. */
const MAX_REST_MS = 100
const UPKEEP_MS = 5_000
const MIN_SEND_MS = 2_000
const TICK_RESERVE_MS = 500
/** How long `stop` waits for the store once requests were aborted: what it has not taken by then comes back with its lease. */
const RECORD_GRACE_MS = 1_000
const BACKOFF_MS = { first: 100, longest: 5_000 }

export interface Schedule {
  /** Called again it changes nothing; during a stop it waits for the end of it. */
  start(): Promise<void>
  /**
   * Ends within `drainMs`: gives back what has not started, waits for what is in flight, then aborts it. A store that does
   * not answer is waited for a second longer. Ends ticks, too. Then it closes what `start` opened: a start in between waits for that.
   */
  stop(drainMs: number): Promise<void>
  tick(budgetMs: number): Promise<void>
  drain(): Promise<void>
  wake(): void
  /** A task has ended: there may be room for what had to wait. */
  progress(): void
  /** @see Waking.wakeAfterCommit; nothing while it is not started. */
  wakeAfterCommit(): void
  /** True while the loop runs: from the end of `start` to the beginning of `stop`. */
  readonly running: boolean
}

/** What a schedule drives. */
export interface Scheduled {
  readonly worker: Worker
  readonly upkeep: Upkeep
  readonly releaser: Releaser
  /** Closes what a start opens; the last step of a stop. */
  readonly close: () => Promise<void>
}

export function createSchedule(parts: Parts, { worker, upkeep, releaser, close }: Scheduled): Schedule {
  const { clock, random, store } = parts
  let running = false
  let starting: Promise<void> | null = null
  let stopping: Promise<void> | null = null
  let loop: Promise<void> | null = null
  /** The one `tick` or `drain` at work: two would set each other's deadlines. */
  let bounded: Promise<void> | null = null
  let stopListening: (() => void) | null = null
  let backoffMs = 0
  /** Work is due that this process has no room or no share for. */
  let starved = false
  /** How long the last claim took, if it found little. */
  let tookMs = 0
  let upkeepAt = Number.NEGATIVE_INFINITY
  const suspects = createSuspects(clock, random, worker)
  const waking = createWaking(clock)

  /** One step of work. Returns how long to sleep: 0 when there may be more at once. */
  async function step(): Promise<number> {
    try {
      if (clock.monotonic() - upkeepAt >= UPKEEP_MS) {
        upkeepAt = clock.monotonic()
        await upkeep.run()
        await upkeep.prune(false)
      }
      releaser.kick()
      if (await suspects.keepBusy()) {
        starved = true
        return FULL_MS
      }
      const askedAt = clock.monotonic()
      const claimed = await worker.claimOnce(false)
      tookMs = claimed.count < WORTH_IT ? clock.monotonic() - askedAt : 0
      backoffMs = 0
      starved = claimed.full || claimed.suspects || (claimed.dueInMs !== null && claimed.dueInMs <= 0)
      if (suspects.begin(claimed.suspects)) return 0
      if (claimed.count > 0) return 0
      if (claimed.full) return FULL_MS
      if (claimed.suspects && !worker.busy && (await suspects.takeOne())) return 0
      const untilDue = claimed.dueInMs === null || claimed.dueInMs <= 0 ? POLL_MS * 2 : claimed.dueInMs
      return Math.min(untilDue, releaser.untilDueMs() ?? POLL_MS * 2, pollMs())
    } catch (cause) {
      backoffMs = Math.min(BACKOFF_MS.longest, Math.max(BACKOFF_MS.first, backoffMs * 2))
      parts.report.problem('claim', storeFailed(store.name, cause))
      return backoffMs * (0.5 + random() / 2)
    }
  }

  const pollMs = () => POLL_MS * (0.8 + 0.4 * random())

  async function run(): Promise<void> {
    while (running) {
      const delayMs = await step()
      if (starved) await rest()
      if (running && delayMs > 0) await waking.sleep(delayMs)
    }
  }

  /**
   * A claim that looks through a backlog and finds little costs, and with a synchronous driver it stops everything else: such
   * looking takes at most a third of the time.
   */
  async function rest(): Promise<void> {
    const restMs = Math.min(MAX_REST_MS, 2 * tookMs)
    if (restMs >= 1)
      await new Promise<void>((resolve) => clock.setTimer(resolve, restMs, { keepAlive: true }))
  }

  /** Works until nothing is due and nothing is in flight, nor released while the last claim looked, or `isOver`. */
  async function runUntilIdle(isOver: () => boolean): Promise<void> {
    await upkeep.run(true)
    while (!isOver() && stopping === null) {
      const seen = waking.count
      let claimed = await worker.claimOnce(false)
      if (claimed.count === 0 && claimed.suspects && !worker.busy) claimed = await worker.claimOnce(true)
      if (claimed.count > 0 && worker.room > 0) continue
      const isQuiet = !worker.busy && claimed.count === 0 && (await releaser.run()) === 0 && !releaser.isDue
      if (waking.count !== seen) continue
      if (isQuiet) break
      await waking.orWoken(worker.idle())
    }
    await worker.giveBack()
    await worker.idle()
    await releaser.idle()
  }

  function alone(run: Promise<void>): Promise<void> {
    const settled = run
      .catch(() => undefined)
      .then(() => {
        bounded = null
      })
    bounded = settled
    return run
  }

  async function open(): Promise<void> {
    await store.checkWork?.()
    await store.open()
  }

  async function begin(): Promise<void> {
    // A tick has a deadline of its own, which this would change.
    while (bounded !== null) await bounded
    try {
      await open()
      if (!running) return
      stopListening = store.onWake?.(waking.wake, parts.report.warn) ?? null
    } catch (cause) {
      running = false
      throw cause instanceof PosthornError ? cause : notOpened(store.name, cause)
    }
    worker.setDeadline(() => parts.timeoutMs, true)
    suspects.end()
    loop = run()
  }

  /** Until nothing is claimed, in flight or waiting to be stored. */
  async function wound(): Promise<void> {
    await starting?.catch(() => undefined)
    await loop
    loop = null
    await worker.giveBack()
    await worker.idle()
    await bounded
    await releaser.idle()
    await parts.statistics.flush()
  }

  async function halt(drainMs: number): Promise<void> {
    stopListening?.()
    stopListening = null
    waking.cancel()
    worker.setDeadline(() => null)
    waking.wake()
    const ended = wound()
    if (await endsWithin(ended, drainMs, clock)) return
    worker.abort()
    if (await endsWithin(ended, RECORD_GRACE_MS, clock)) return
    const message = `The ${store.name} store did not take every outcome before the stop ended: their leases bring them back, maybe sent twice.`
    parts.report.problem('stop', new PosthornError('STORE_FAILED', message))
  }

  return {
    async start() {
      while (stopping !== null) await stopping.catch(unheard)
      if (!running) {
        running = true
        starting = begin()
      }
      await starting
    },

    stop(drainMs) {
      running = false
      stopping ??= halt(drainMs)
        .finally(close)
        .finally(() => {
          stopping = null
        })
      return stopping
    },

    async tick(budgetMs) {
      const ends = clock.monotonic() + budgetMs
      const left = () => Math.min(parts.timeoutMs, ends - clock.monotonic() - TICK_RESERVE_MS)
      const isOver = () => left() < Math.min(MIN_SEND_MS, parts.timeoutMs)
      while (bounded !== null)
        if (!(await endsWithin(bounded, Math.max(0, ends - clock.monotonic()), clock))) return
      if (running || stopping !== null) return
      const work = async () => {
        await open()
        worker.setDeadline(() => (isOver() || stopping !== null ? null : left()))
        await runUntilIdle(isOver)
        const spareMs = ends - clock.monotonic()
        if (spareMs >= TICK_RESERVE_MS) await endsWithin(upkeep.prune(true), spareMs, clock)
      }
      await alone(work())
    },

    async drain() {
      while (stopping !== null) await stopping.catch(unheard)
      while (bounded !== null) await bounded
      const work = async () => {
        await open()
        worker.setDeadline(() => (stopping === null ? parts.timeoutMs : null))
        await runUntilIdle(() => false)
        await upkeep.prune(true)
      }
      await alone(work())
    },

    wake: waking.wake,

    progress() {
      if (starved && worker.canClaim) waking.wake()
    },

    wakeAfterCommit() {
      if (running) waking.wakeAfterCommit()
    },

    get running() {
      return running && loop !== null
    },
  }
}

/** How a stop went is for its own caller to hear. */
const unheard = (): void => undefined

function notOpened(name: string, cause: unknown): PosthornError {
  const why = cause instanceof Error ? cause.message : 'unknown cause'
  const message = `The ${name} store could not be opened, so nothing was started: ${why}. Start again once it can be reached.`
  return new PosthornError('STORE_FAILED', message, { cause })
}

function storeFailed(name: string, cause: unknown): PosthornError {
  const why = cause instanceof Error ? cause.message : 'unknown cause'
  return new PosthornError('STORE_FAILED', `The ${name} store failed and is tried again: ${why}`, { cause })
}
