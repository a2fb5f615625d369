/**
 * One listener per AbortSignal, however many requests share it. A worker aborts hundreds of requests with one
 * signal, and removing one of hundreds of listeners from a signal is a walk through all of them.
 */

/** Calls back when a signal aborts. */
export interface AbortListeners {
  /** Calls `abort` once when the signal aborts. The returned function takes it back. */
  add(signal: AbortSignal, abort: () => void): () => void
}

/** Makes a register that lives and dies with one transport. */
export function createAbortListeners(): AbortListeners {
  const groups = new WeakMap<AbortSignal, Set<() => void>>()
  return {
    add(signal, abort) {
      let group = groups.get(signal)
      if (group === undefined) {
        const fresh = new Set<() => void>()
        group = fresh
        groups.set(signal, fresh)
        signal.addEventListener(
          'abort',
          () => {
            for (const each of [...fresh]) each()
          },
          { once: true },
        )
      }
      const joined = group
      joined.add(abort)
      return () => joined.delete(abort)
    },
  }
}
