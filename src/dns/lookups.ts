/**
 * Looks names up for all requests of one transport: few at once, each name once, briefly remembered. A name that is
 * slow to answer makes way for the others and goes on behind them, so that a hundred dead names delay no good one.
 */
import type { LookupAddress } from 'node:dns'
import { type Clock, MAX_TIMER_MS, type Timer } from '../clock.ts'
import type { Done } from './bounded-calls.ts'
import { MAX_LOOKUPS, MAX_SYSTEM_LOOKUPS } from './limits.ts'
import type { Ask, Resolve } from './resolve.ts'

/** Look-ups of one transport. */
export interface Lookups {
  /**
   * Finds all addresses of a name, `asSystem` with hosts file and search domains. `found` is called once, at once where the
   * answer is remembered. The returned function gives up waiting.
   */
  find(hostname: string, asSystem: boolean, found: Done): () => void
}

/** Settings of `createLookups`. */
export interface LookupsOptions {
  readonly clock: Clock
  readonly resolve: Resolve
  /** How long one name may take, in ms, not counting its time in the queue. */
  readonly timeoutMs: number
  /** How long answers are remembered, in ms; 0 asks each time. */
  readonly keepMs: number
}

/** Waited for at the same time. The places of the system's look-ups are not lent: one that nobody waits for any more runs on. */
const MAX_WAITED_FOR = MAX_LOOKUPS - MAX_SYSTEM_LOOKUPS
/** Of these, how many may be names that have been slow. */
const MAX_SLOW = 3
/** After this long a name counts as slow. */
const SLOW_MS = 300
/** So long after it was given up, a name that is asked for again begins among the slow ones. */
const SUSPECT_MS = 60_000
/** A name that has no address is asked for again sooner: its owner may be setting it up. */
const KEEP_FAILURE_MS = 1_000
const MAX_KEPT = 4_000
/** A name with more addresses is asked for each time: its owner could have made an answer of thousands. */
const MAX_ADDRESSES = 64

interface Job {
  /** The name and how it is asked for. */
  readonly key: string
  readonly hostname: string
  readonly ask: Ask
  readonly waiting: Set<Done>
  slow: boolean
  timer: Timer | undefined
  cancel: (() => void) | undefined
}

interface Answer {
  readonly error: Error | null
  readonly addresses: readonly LookupAddress[]
  readonly until: number
}

const nothing = () => {}
const tooSlow = () => Object.assign(new Error('The look-up took too long.'), { code: 'ETIMEOUT' })

/** Makes look-ups with a memory of their own. */
export function createLookups({ clock, resolve, timeoutMs, keepMs }: LookupsOptions): Lookups {
  const kept = new Map<string, Answer>()
  /** Names that had an answer when they were last asked for. */
  const answered = new Set<string>()
  /** Names that had none in all their time, and until when that counts. */
  const suspects = new Map<string, number>()
  const jobs = new Map<string, Job>()
  const first: Job[] = []
  const fresh: Job[] = []
  const slow: Job[] = []
  let running = 0
  let runningSlow = 0

  function pump(): void {
    while (running < MAX_WAITED_FOR) {
      const job = first.shift() ?? fresh.shift() ?? (runningSlow < MAX_SLOW ? slow.shift() : undefined)
      if (job === undefined) return
      if (job.waiting.size === 0) jobs.delete(job.key)
      else start(job)
    }
  }

  function start(job: Job): void {
    running++
    if (job.slow) runningSlow++
    let over = false
    const stop = () => {
      if (over) return false
      over = true
      job.timer?.cancel()
      running--
      if (job.slow) runningSlow--
      return true
    }
    const expire = () => {
      const { cancel } = job
      if (!stop()) return
      cancel?.()
      if (job.slow || timeoutMs <= SLOW_MS) {
        remember(suspects, job.key, clock.monotonic() + SUSPECT_MS)
        settle(job, tooSlow(), [])
      } else {
        job.slow = true
        slow.push(job)
      }
      pump()
    }
    job.timer = clock.setTimer(expire, Math.min(job.slow ? timeoutMs : SLOW_MS, timeoutMs, MAX_TIMER_MS))
    job.cancel = resolve(job.hostname, job.ask, (error, addresses) => {
      if (!stop()) return
      suspects.delete(job.key)
      settle(job, error, addresses)
      pump()
    })
  }

  function settle(job: Job, error: Error | null, addresses: readonly LookupAddress[]): void {
    jobs.delete(job.key)
    if (error === null) {
      if (answered.size >= MAX_KEPT) answered.clear()
      answered.add(job.key)
    } else answered.delete(job.key)
    if (keepMs > 0 && addresses.length <= MAX_ADDRESSES) {
      const forMs = error === null ? keepMs : Math.min(keepMs, KEEP_FAILURE_MS)
      remember(kept, job.key, { error, addresses, until: clock.monotonic() + forMs })
    }
    for (const found of job.waiting) found(error, addresses)
  }

  function enqueue(key: string, hostname: string, asSystem: boolean): Job {
    const ask = { asSystem, answered: answered.has(key) }
    const isSuspect = (suspects.get(key) ?? 0) > clock.monotonic()
    const job: Job = {
      ...{ key, hostname, ask, waiting: new Set<Done>(), slow: isSuspect },
      ...{ timer: undefined, cancel: undefined },
    }
    jobs.set(key, job)
    const queue = isSuspect ? slow : ask.answered ? first : fresh
    queue.push(job)
    return job
  }

  return {
    find(hostname, asSystem, found) {
      const key = asSystem ? hostname : `${hostname}.`
      const answer = kept.get(key)
      if (answer !== undefined) {
        if (answer.until > clock.monotonic()) {
          found(answer.error, answer.addresses)
          return nothing
        }
        kept.delete(key)
      }
      const { waiting } = jobs.get(key) ?? enqueue(key, hostname, asSystem)
      waiting.add(found)
      pump()
      return () => waiting.delete(found)
    },
  }
}

function remember<T>(all: Map<string, T>, key: string, value: T): void {
  if (all.size >= MAX_KEPT) all.clear()
  all.set(key, value)
}
