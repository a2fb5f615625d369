/**
 * Looks names up for all requests of one transport: at most eight at once, each name once, briefly remembered. A name
 * that is slow to answer makes way for the others and goes on behind them, so that a hundred dead names delay no good one.
 */
import type { LookupAddress } from 'node:dns'
import { type Clock, MAX_TIMER_MS, type Timer } from '../clock.ts'
import { failureError, sentence } from './failure.ts'
import type { Resolve } from './resolve.ts'

/** What a look-up came to. Either way it is called once, at once where the answer is remembered. */
export type Found = (error: Error | null, addresses: readonly LookupAddress[]) => void

/** Look-ups of one transport. */
export interface Lookups {
  /** Finds all addresses of a name. The returned function gives up waiting. */
  find(hostname: string, found: Found): () => void
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

/** In progress at the same time. */
export const MAX_LOOKUPS = 8
/** Of these, how many may be names that have been slow. */
const MAX_SLOW = 4
/** After this long a name counts as slow. */
const SLOW_MS = 500
/** A name that has no address is asked for again sooner: its owner may be setting it up. */
const KEEP_FAILURE_MS = 1_000
const MAX_KEPT = 4_000

interface Job {
  readonly hostname: string
  readonly waiting: Set<Found>
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

/** Makes look-ups with a memory of their own. */
export function createLookups({ clock, resolve, timeoutMs, keepMs }: LookupsOptions): Lookups {
  const kept = new Map<string, Answer>()
  const jobs = new Map<string, Job>()
  const fresh: Job[] = []
  const slow: Job[] = []
  let running = 0
  let runningSlow = 0

  function pump(): void {
    while (running < MAX_LOOKUPS) {
      const job = fresh.shift() ?? (runningSlow < MAX_SLOW ? slow.shift() : undefined)
      if (job === undefined) return
      if (job.waiting.size === 0) jobs.delete(job.hostname)
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
      if (job.slow || timeoutMs <= SLOW_MS) settle(job, failureError('dns', sentence('dns', 'ETIMEOUT')), [])
      else {
        job.slow = true
        slow.push(job)
      }
      pump()
    }
    job.timer = clock.setTimer(expire, Math.min(job.slow ? timeoutMs : SLOW_MS, timeoutMs, MAX_TIMER_MS))
    job.cancel = resolve(job.hostname, (error, addresses) => {
      if (!stop()) return
      settle(job, error, addresses)
      pump()
    })
  }

  function settle(job: Job, error: Error | null, addresses: readonly LookupAddress[]): void {
    jobs.delete(job.hostname)
    if (keepMs > 0) {
      if (kept.size >= MAX_KEPT) kept.clear()
      const forMs = error === null ? keepMs : Math.min(keepMs, KEEP_FAILURE_MS)
      kept.set(job.hostname, { error, addresses, until: clock.monotonic() + forMs })
    }
    for (const found of job.waiting) found(error, addresses)
  }

  return {
    find(hostname, found) {
      const answer = kept.get(hostname)
      if (answer !== undefined) {
        if (answer.until > clock.monotonic()) {
          found(answer.error, answer.addresses)
          return nothing
        }
        kept.delete(hostname)
      }
      let job = jobs.get(hostname)
      if (job === undefined) {
        job = { hostname, waiting: new Set(), slow: false, timer: undefined, cancel: undefined }
        jobs.set(hostname, job)
        fresh.push(job)
      }
      const { waiting } = job
      waiting.add(found)
      pump()
      return () => waiting.delete(found)
    },
  }
}
