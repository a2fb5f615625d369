/** The conformance kit of stores as cases of vitest. */
import { test } from 'vitest'
import { type StoreUnderTest, storeConformance } from '../../src/testing/index.ts'

const FEW = /^random operations: .* seed ([4-9]|\d\d+)$/

/**
 * Registers the cases; call it in a `describe`. With `fewSeeds` three sequences of random operations will do, where another suite runs
 * the same statements on the same kind of database; `POSTHORN_LONG=1` runs them all.
 */
export function runKit(
  makeStore: () => Promise<StoreUnderTest>,
  { fewSeeds = false }: { readonly fewSeeds?: boolean } = {},
): void {
  for (const { group, name, run } of storeConformance(makeStore)) {
    const title = `${group}: ${name}`
    if (fewSeeds && FEW.test(title) && process.env.POSTHORN_LONG === undefined) continue
    test(title, (context) => run(context))
  }
}
