/** Turns a `transaction(fn)` in the callback style, which most libraries have, into begin, commit and rollback. */
import type { TestTransaction } from './case.ts'

/**
 * Begins a transaction that stays open until the test ends it.
 * @example
 * transaction: () => heldTransaction((work) => store.transaction(work))
 */
export async function heldTransaction<Tx>(
  run: (work: (tx: Tx) => Promise<void>) => Promise<unknown>,
): Promise<TestTransaction> {
  const rolledBack = new Error('rolled back by the test')
  let commit = (): void => undefined
  let rollback = (): void => undefined
  const ended = new Promise<void>((resolve, reject) => {
    commit = resolve
    rollback = () => reject(rolledBack)
  })
  ended.catch(() => undefined)
  let finished: Promise<unknown> = Promise.resolve()
  const tx = await new Promise<Tx>((resolve, reject) => {
    finished = run((handle) => {
      resolve(handle)
      return ended
    })
    finished.catch(reject)
  })
  return {
    tx,
    async commit() {
      commit()
      await finished
    },
    async rollback() {
      rollback()
      await finished.catch((error: unknown) => {
        if (error !== rolledBack) throw error
      })
    },
  }
}
