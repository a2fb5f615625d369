/** How the loop sleeps, and what ends its sleep: the time, or somebody who knows of work. A wake-up while it is awake is kept for the next sleep. */
import type { Clock, Timer } from '../clock.ts'

/** After a publish in a transaction, whose commit cannot be seen. */
const AFTER_TX_MS = [5, 20, 80, 300] as const

/** The sleep of one worker. */
export interface Waking {
  wake(): void
  /** Wakes a few times in the next third of a second. */
  wakeAfterCommit(): void
  /** Takes back what `wakeAfterCommit` has still to do. */
  cancel(): void
  /** Until `delayMs` have passed, or somebody wakes it; at once when somebody has done so since the last sleep. */
  sleep(delayMs: number): Promise<void>
  /** Until `work` has ended, or somebody wakes. */
  orWoken(work: Promise<void>): Promise<void>
  /** How often somebody has woken it. */
  readonly count: number
}

export function createWaking(clock: Clock): Waking {
  let woken = false
  let wakeUp: (() => void) | null = null
  let count = 0
  const listeners = new Set<() => void>()
  const timers = new Set<Timer>()

  function wake(): void {
    woken = true
    count += 1
    wakeUp?.()
    for (const listener of listeners) listener()
  }

  return {
    wake,

    wakeAfterCommit() {
      for (const delayMs of AFTER_TX_MS) {
        const timer = clock.setTimer(() => {
          timers.delete(timer)
          wake()
        }, delayMs)
        timers.add(timer)
      }
    },

    cancel() {
      for (const timer of timers) timer.cancel()
      timers.clear()
    },

    sleep(delayMs) {
      if (woken) {
        woken = false
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        const timer = clock.setTimer(() => wakeUp?.(), delayMs, { keepAlive: true })
        wakeUp = () => {
          timer.cancel()
          wakeUp = null
          woken = false
          resolve()
        }
      })
    },

    async orWoken(work) {
      let listener = () => {}
      const awake = new Promise<void>((resolve) => {
        listener = resolve
        listeners.add(listener)
      })
      await Promise.race([work, awake])
      listeners.delete(listener)
    },

    get count() {
      return count
    },
  }
}
