/** The conformance kit of stores as cases of vitest. */
import { test } from 'vitest'
import { type StoreUnderTest, storeConformance } from '../../src/testing/index.ts'

const FEW = /^random operations: .* seed ([4-9]|\d\d+)$/
const SAMPLED = 4

/** How much of it, where another suite runs the same statements on the same kind of database. `POSTHORN_LONG=1` runs all of it. */
export type Share =
  | 'all'
  /** Three sequences of random operations will do. */
  | 'few seeds'
  /** Every fourth case, and all that a caller's transaction is about. */
  | 'sample'

/** Registers the cases; call it in a `describe`. */
export function runKit(makeStore: () => Promise<StoreUnderTest>, share: Share = 'all'): void {
  storeConformance(makeStore).forEach(({ group, name, run }, index) => {
    const title = `${group}: ${name}`
    if (process.env.POSTHORN_LONG === undefined) {
      if (share !== 'all' && FEW.test(title)) return
      if (share === 'sample' && index % SAMPLED !== 0 && group !== "the caller's transaction") return
    }
    test(title, (context) => run(context))
  })
}
