/** Makes memory stores for the conformance kit. */
import { memoryStore } from '../../src/stores/memory.ts'
import { heldTransaction, manualClock, type StoreUnderTest } from '../../src/testing/index.ts'

/** A fresh memory store on a test clock of its own. */
export async function makeMemoryStore(): Promise<StoreUnderTest> {
  const clock = manualClock()
  const store = memoryStore({ clock })
  return {
    store,
    clock,
    transaction: () => heldTransaction<unknown>((work) => store.transaction(work)),
  }
}
