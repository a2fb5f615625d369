/**
 * A store of your own, in its smallest form: one around another, which tells how long each operation took. It keeps every promise of
 * the contract because it changes nothing on the way. `test/examples/custom-store.test.ts` runs the conformance kit over it.
 */
import type { Store } from '../../src/index.ts'

/** What is told about one operation. */
export interface WatchedOperation {
  readonly operation: string
  readonly elapsedMs: number
  /** False when it rejected: the store itself failed. */
  readonly succeeded: boolean
}

/** The same store, with `tell` called after each of its operations. */
export function watchedStore<Tx>(
  inner: Store<Tx>,
  tell: (operation: WatchedOperation) => void,
  now: () => number = () => performance.now(),
): Store<Tx> {
  const watch = (operation: string, call: (...values: unknown[]) => unknown) =>
    async function watched(...values: unknown[]): Promise<unknown> {
      const began = now()
      let succeeded = false
      try {
        const result = await call.apply(inner, values)
        succeeded = true
        return result
      } finally {
        tell({ operation, elapsedMs: now() - began, succeeded })
      }
    }
  const own: Record<string, unknown> = { ...inner }
  for (const [name, member] of Object.entries(inner)) {
    // `onWake` is a hint, not an operation: it returns at once, and not a promise.
    if (typeof member === 'function' && name !== 'onWake') own[name] = watch(name, member)
  }
  return own as unknown as Store<Tx>
}
