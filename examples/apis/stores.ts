/** The stores that the backends can run on, opened fresh and removed afterwards. */
import type { Store } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'

export const STORES = ['memory'] as const

/** An empty store, and how to remove what it leaves behind once it is closed. */
export interface OpenStore {
  readonly store: Store<never>
  remove(): Promise<void>
}

/** Opens an empty store. */
export async function openStore(_name: (typeof STORES)[number]): Promise<OpenStore> {
  return { store: memoryStore(), remove: async () => {} }
}
