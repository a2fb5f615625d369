/** The arithmetic of the breaker: when to probe, how fast to release, and the share of failures in a moving window. Pure. */
import type { Rate } from '../model.ts'
import type { Breaker, Condition } from './condition.ts'
import type { Policy } from './policy.ts'

/** The breaker after one more probe was sent: the wait doubles, up to `maxProbeMs`. */
export function afterProbe(
  breaker: Breaker,
  now: number,
  { firstProbeMs, maxProbeMs }: Policy['pace'],
): Breaker {
  const probes = breaker.probes + 1
  return {
    ...breaker,
    probes,
    nextProbeAt: now + Math.min(firstProbeMs * 2 ** Math.min(probes, 40), maxProbeMs),
  }
}

/** From here on a backlog is released without a pace: any receiver that takes this takes what its shares let through. */
const FULL_PACE = 1_000

/** How fast a backlog is released now; null: as fast as it goes. */
export function paceOf(
  { recovery }: Condition,
  now: number,
  { releasePerSecond }: Policy['pace'],
): Rate | null {
  if (recovery === undefined) return null
  const doublings = Math.max(0, Math.floor((now - recovery.since) / 1_000))
  const count = releasePerSecond * 2 ** Math.min(doublings, 40)
  return count >= FULL_PACE ? null : { count, perMs: 1_000 }
}

/** What was counted in the last minutes. */
export interface Tally {
  readonly total: number
  readonly failed: number
  /** How long ago the first of the failures was, at least; null: there is none. */
  readonly failingForMs: number | null
}

/** True when too large a share of enough attempts has failed, over long enough. */
export function isTooMuch({ total, failed, failingForMs }: Tally, { breaker }: Policy): boolean {
  if (breaker === null || failingForMs === null) return false
  return total >= breaker.attempts && failed >= breaker.failureShare * total && failingForMs >= breaker.spanMs
}

const SLOTS = 10

/** Counts attempts of the last `windowMs`, to a tenth of it. */
export function createWindow(windowMs: number) {
  const slotMs = windowMs / SLOTS
  let slots: { at: number; failed: number; total: number }[] = []
  let firstFailedAt: number | null = null

  function forget(now: number): void {
    const oldest = Math.floor(now / slotMs) - SLOTS
    if ((slots[0]?.at ?? Number.POSITIVE_INFINITY) > oldest) return
    slots = slots.filter((slot) => slot.at > oldest)
    const first = slots.find((slot) => slot.failed > 0)
    firstFailedAt = first === undefined ? null : Math.max(firstFailedAt ?? 0, first.at * slotMs)
  }

  return {
    add(now: number, failed: boolean): void {
      forget(now)
      const at = Math.floor(now / slotMs)
      let slot = slots.at(-1)
      if (slot === undefined || slot.at < at) {
        slot = { at, failed: 0, total: 0 }
        slots.push(slot)
      }
      slot.total += 1
      if (!failed) return
      slot.failed += 1
      firstFailedAt ??= now
    },
    tally(now: number): Tally {
      forget(now)
      return {
        total: slots.reduce((sum, slot) => sum + slot.total, 0),
        failed: slots.reduce((sum, slot) => sum + slot.failed, 0),
        failingForMs: firstFailedAt === null ? null : now - firstFailedAt,
      }
    },
    isEmpty(now: number): boolean {
      forget(now)
      return slots.length === 0
    },
    clear(): void {
      slots = []
      firstFailedAt = null
    },
  }
}
