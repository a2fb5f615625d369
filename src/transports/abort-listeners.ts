/**
 * One listener per AbortSignal, however many requests share it. A worker aborts hundreds of requests with one
 * signal, and removing one of hundreds of listeners from a signal is a walk through all of them.
 */

/** What can be stopped. */
export interface Stoppable {
  stop(code: 'aborted'): void
}

/** Which requests stop when a signal aborts. */
export interface AbortListeners {
  add(signal: AbortSignal, target: Stoppable): void
  remove(signal: AbortSignal, target: Stoppable): void
}

/** Makes a register that lives and dies with one transport. */
export function createAbortListeners(): AbortListeners {
  const groups = new WeakMap<AbortSignal, Set<Stoppable>>()

  function listen(signal: AbortSignal): Set<Stoppable> {
    const group = new Set<Stoppable>()
    groups.set(signal, group)
    const stopAll = () => {
      for (const target of [...group]) target.stop('aborted')
    }
    signal.addEventListener('abort', stopAll, { once: true })
    return group
  }

  return {
    add(signal, target) {
      const group = groups.get(signal) ?? listen(signal)
      group.add(target)
    },
    remove(signal, target) {
      groups.get(signal)?.delete(target)
    },
  }
}
