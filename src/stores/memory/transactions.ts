/** Transactions of the memory store: what is appended in one becomes visible at its commit, or never. */
import { PosthornError } from '../../errors.ts'
import { commitStaged, type StagedEvent } from './append.ts'
import type { State } from './state.ts'

/** A transaction of the memory store: what is appended in it becomes visible when it commits. */
export interface MemoryTransaction {
  readonly kind: 'posthorn.memory.transaction'
}

/** The open transactions. */
export interface Transactions {
  /** What the transaction has appended so far. Throws when it has ended. */
  staged(tx: MemoryTransaction): StagedEvent[]
  run<T>(fn: (tx: MemoryTransaction) => T | Promise<T>): Promise<T>
}

export function createTransactions(state: State): Transactions {
  const open = new Map<MemoryTransaction, StagedEvent[]>()
  return {
    staged(tx) {
      const staged = open.get(tx)
      if (staged === undefined)
        throw new PosthornError(
          'INVALID_INPUT',
          'tx: it is not an open transaction of this memory store. Pass what `store.transaction(fn)` gives to `fn`, before `fn` ends.',
          { path: 'tx' },
        )
      return staged
    },
    async run(fn) {
      const tx: MemoryTransaction = Object.freeze({ kind: 'posthorn.memory.transaction' })
      const staged: StagedEvent[] = []
      open.set(tx, staged)
      try {
        const result = await fn(tx)
        commitStaged(state, staged)
        return result
      } finally {
        open.delete(tx)
      }
    },
  }
}
