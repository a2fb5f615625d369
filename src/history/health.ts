/** `webhooks.health`: what a health check should alarm on. It never rejects and never waits for longer than five seconds. */
import type { Clock } from '../clock.ts'
import { MINUTE_MS, NO_TENANT, WORKER } from '../delivery/statistics.ts'
import { invalidInput, recordOf } from '../input/known-keys.ts'
import { anyTenant } from '../model.ts'
import type { Parts } from '../parts.ts'
import { dateOf } from '../present.ts'
import type { RollupRecord } from '../records.ts'

/** Options of `health`. */
export interface HealthOptions {
  /** Work may be due for this long before it is a problem, in ms. @default 60_000 */
  readonly maxDueAgeMs?: number | undefined
}

/** How the sender is, over all tenants and processes. */
export interface Health {
  /** False when `problems` names any. */
  readonly healthy: boolean
  /** One sentence each. */
  readonly problems: readonly string[]
  readonly storeReachable: boolean
  /** How long the oldest due work has been due, in ms: the figure to alarm on. Null when none is due, or not known. */
  readonly oldestDueAgeMs: number | null
  /** How long the oldest work of this process's last claim had been due, in ms; null before its first claim. */
  readonly lagMs: number | null
  /** Workers that claimed within the last two minutes, in all processes; null when not known. */
  readonly workersSeen: number | null
  /** This process's last claim; without one the last of others, to the minute; null when none is known. */
  readonly lastClaimAt: Date | null
}

const LIMIT_MS = 5_000
/** Workers say that they live every 30 seconds. */
const SEEN_MS = 2 * MINUTE_MS

/** Builds `webhooks.health`. @throws PosthornError INVALID_INPUT, for a wrong option only */
export function createHealth(parts: Parts): (options?: HealthOptions) => Promise<Health> {
  const { store, statistics, clock } = parts

  async function ask() {
    await store.open()
    await statistics.flush()
    const now = await store.now()
    const { due, oldestDueAt } = await store.backlog({ tenant: anyTenant })
    const span = { since: now - SEEN_MS - MINUTE_MS, until: now + MINUTE_MS }
    const rollups = await store.readRollups({ tenant: NO_TENANT, bucketMs: MINUTE_MS, ...span })
    const oldestDueAgeMs = due === 0 || oldestDueAt === null ? null : Math.max(0, now - oldestDueAt)
    return { now, oldestDueAgeMs, rollups }
  }

  return async (options = {}) => {
    const { maxDueAgeMs = 60_000 } = recordOf(options, ['maxDueAgeMs'], 'the options') as HealthOptions
    if (typeof maxDueAgeMs !== 'number' || !(maxDueAgeMs >= 0))
      throw invalidInput('maxDueAgeMs', 'must be a number of milliseconds from 0')
    const asked = await within(ask(), LIMIT_MS, clock)
    const { lastClaim } = statistics
    const lagMs = lastClaim?.lagMs ?? null
    if (typeof asked === 'string') {
      return {
        healthy: false,
        problems: [`The ${store.name} store cannot be reached: ${asked}`],
        storeReachable: false,
        ...{ oldestDueAgeMs: null, workersSeen: null, lagMs },
        lastClaimAt: lastClaim === null ? null : dateOf(lastClaim.at),
      }
    }
    const { oldestDueAgeMs } = asked
    const workersSeen = workersOf(asked.rollups).size
    const lastClaimAt = lastClaim?.at ?? lastSeen(asked.rollups)
    const problems = [
      ...(oldestDueAgeMs !== null && oldestDueAgeMs > maxDueAgeMs
        ? [
            `Work has been due for ${Math.round(oldestDueAgeMs)} ms (more than ${maxDueAgeMs}): workers are too few or stand still.`,
          ]
        : []),
      ...(workersSeen === 0 && oldestDueAgeMs !== null
        ? ['Work is due, and no worker has claimed any for two minutes: call start() in one process.']
        : []),
    ]
    return {
      healthy: problems.length === 0,
      problems,
      storeReachable: true,
      ...{ oldestDueAgeMs, lagMs, workersSeen },
      lastClaimAt: lastClaimAt === null ? null : dateOf(lastClaimAt),
    }
  }
}

function workersOf(rollups: readonly RollupRecord[]): ReadonlySet<string> {
  const names = rollups.flatMap(({ counters }) => Object.keys(counters))
  return new Set(names.filter((name) => name.startsWith(WORKER)))
}

function lastSeen(rollups: readonly RollupRecord[]): number | null {
  return rollups.length === 0 ? null : Math.max(...rollups.map(({ bucketAt }) => bucketAt))
}

/** What was asked, or in words why there is no answer. */
async function within<T>(asked: Promise<T>, limitMs: number, clock: Clock): Promise<T | string> {
  let stop = (): void => undefined
  const limit = new Promise<string>((resolve) => {
    const timer = clock.setTimer(() => resolve(`no answer within ${limitMs} ms`), limitMs, {
      keepAlive: true,
    })
    stop = () => timer.cancel()
  })
  const failed = (cause: unknown) => (cause instanceof Error ? cause.message : 'unknown cause')
  return Promise.race([asked.catch(failed), limit]).finally(stop)
}
