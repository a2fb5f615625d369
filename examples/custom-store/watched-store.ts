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

/** The same store, with `tell` called after each of its operations. Works for a plain object and for an instance of a class. */
export function watchedStore<Tx>(
  inner: Store<Tx>,
  tell: (operation: WatchedOperation) => void,
  now: () => number = () => performance.now(),
): Store<Tx> {
  const watch = (operation: string, call: (...values: unknown[]) => unknown) =>
    function watched(...values: unknown[]): unknown {
      const began = now()
      const result = call.apply(inner, values)
      // What answers at once (`runsAtOnce`, `onWake`) must go on doing so: it is no operation, and is handed on as it is.
      if (!(result instanceof Promise)) return result
      const ended = (succeeded: boolean) => tell({ operation, elapsedMs: now() - began, succeeded })
      return result.then(
        (value: unknown) => {
          ended(true)
          return value
        },
        (error: unknown) => {
          ended(false)
          throw error
        },
      )
    }
  const own: Record<string, unknown> = {}
  for (const name of namesOf(inner)) {
    const member: unknown = Reflect.get(inner, name)
    own[name] =
      typeof member === 'function' ? watch(name, member as (...values: unknown[]) => unknown) : member
  }
  return own as unknown as Store<Tx>
}

/** Its own members, and those that it has from its class. */
function namesOf(store: object): ReadonlySet<string> {
  const names = new Set<string>()
  for (let from = store; from !== Object.prototype && from !== null; from = Object.getPrototypeOf(from))
    for (const name of Object.getOwnPropertyNames(from)) names.add(name)
  names.delete('constructor')
  return names
}
