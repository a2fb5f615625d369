/** Turns on a connection: own statements wait while a transaction is open on it, ours or the caller's. */
import type { Clock } from '../../../clock.ts'

const LOOK_AGAIN_MS = 5

/** First come, first served. */
export interface Turns {
  /** Could a statement run this instant? */
  free(): boolean
  take(): Promise<void>
  give(): void
}

/** `blocked` tells of a transaction of the caller, whose end nobody announces: it is looked for every few ms. */
export function createTurns(blocked: () => boolean, clock: Clock): Turns {
  let taken = false
  const waiting: (() => void)[] = []

  function free(): boolean {
    return !taken && waiting.length === 0 && !blocked()
  }

  function next(): void {
    if (taken || waiting.length === 0) return
    if (blocked()) {
      clock.setTimer(next, LOOK_AGAIN_MS, { keepAlive: true })
      return
    }
    taken = true
    waiting.shift()?.()
  }

  return {
    free,
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 1) next()
      }),
    give() {
      taken = false
      next()
    },
  }
}
