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

/**
 * Registers the cases; call it in a `describe`.
 *
 * @param without Names of cases that this database cannot play, and why.
 */
export function runKit(
  makeStore: () => Promise<StoreUnderTest>,
  share: Share = 'all',
  without: Readonly<Record<string, string>> = {},
): void {
  const cases = storeConformance(makeStore)
  const names = cases.map(({ name }) => name)
  for (const name of Object.keys(without))
    if (!names.includes(name)) throw new Error(`There is no case "${name}".`)
  cases.forEach(({ group, name, run }, index) => {
    if (name in without) return
    const title = `${group}: ${name}`
    if (process.env.POSTHORN_LONG === undefined) {
      if (share !== 'all' && FEW.test(title)) return
      if (share === 'sample' && index % SAMPLED !== 0 && group !== "the caller's transaction") return
    }
    test(title, (context) => run(context))
  })
}
