/** A worker's store that writes down what it claims and what becomes of its outcomes, and tells how long claims take. */
import { systemClock } from '../../clock.ts'
import type { Store } from '../../store.ts'
import { type Ledger, openLedger, type WorkerEntry } from './ledger.ts'

/** Milliseconds of the machine's own clock, the same for all its processes. */
const tick = () => Number(process.hrtime.bigint() / 1_000n) / 1_000

/** The store, with a ledger at `path`. */
export function writingDown(store: Store<never>, path: string): Store<never> {
  const ledger: Ledger<WorkerEntry> = openLedger(path)
  return {
    ...store,
    async claim(request) {
      const { token } = request
      ledger.append({ kind: 'asked', token })
      const claimed = await store.claim(request)
      const rows = claimed.work.map(({ claim }) => claim.row)
      if (rows.length > 0) {
        ledger.append({ kind: 'claimed', token, rows, at: systemClock.now(), tick: tick() })
      }
      return claimed
    },
    async record(outcomes) {
      const before = { askedAt: systemClock.now(), tick: tick() }
      const recorded = await store.record(outcomes)
      const told = outcomes.map(({ claim, eventId, attempt, next }, index) => ({
        ...claim,
        key: attempt === null ? null : `${eventId} ${attempt.url.split('/').at(-1)}`,
        succeeded: next.state === 'succeeded',
        result: recorded[index]?.result ?? 'nothing',
      }))
      ledger.append({ kind: 'recorded', outcomes: told, ...before })
      return recorded
    },
  }
}

/** The store, but that it tells how long claims take. */
export function tellingClaims(store: Store<never>, everyMs: number): Store<never> {
  let took: number[] = []
  let toldAt = systemClock.monotonic()
  return {
    ...store,
    async claim(request) {
      const begun = systemClock.monotonic()
      const claimed = await store.claim(request)
      const now = systemClock.monotonic()
      if (claimed.work.length > 0) took.push(now - begun)
      if (now - toldAt >= everyMs && took.length > 0) {
        const p95Ms = took.sort((a, b) => a - b)[Math.floor(took.length * 0.95)]
        if (process.connected) process.send?.({ p95Ms })
        took = []
        toldAt = now
      }
      return claimed
    },
  }
}
