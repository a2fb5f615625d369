/** A store that writes down how long each claim took that found work. */
import type { Store } from '../../../src/store.ts'

/** One claim. */
export interface TimedClaim {
  /** Of `performance.now()`. */
  readonly at: number
  readonly tookMs: number
  readonly rows: number
}

export function timedClaims<Tx>(store: Store<Tx>): {
  readonly store: Store<Tx>
  readonly claims: TimedClaim[]
} {
  const claims: TimedClaim[] = []
  const claim: Store<Tx>['claim'] = async (request) => {
    const at = performance.now()
    const claimed = await store.claim(request)
    const rows = claimed.work.length
    if (rows > 0) claims.push({ at, tookMs: performance.now() - at, rows })
    return claimed
  }
  return { store: { ...store, claim }, claims }
}
