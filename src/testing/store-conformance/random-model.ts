/**
 * Random operations, drawn from a seed, on a store and on the memory store beside it: both must answer alike, and hold the
 * same rows. What a store may choose freely (row ids, numbers, fractions of a millisecond, the order of equals, which rows a
 * limit takes first) is not compared. An operation that has done nothing has further turns; a sequence with one that never did fails.
 */
import assert from 'node:assert/strict'
import { memoryStore } from '../../stores/memory.ts'
import type { CaseGroup } from './case.ts'
import { drawing } from './drawing.ts'
import type { Lab } from './lab.ts'
import { appendOperations } from './random/append.ts'
import { claimOperations } from './random/claim.ts'
import { compareRows } from './random/compare.ts'
import { holdingOperations } from './random/holding.ts'
import { recordOperations } from './random/record.ts'
import { type Operation, type Run, TENANTS } from './random/run.ts'
import { insertSubscription, subscriptionOperations } from './random/subscriptions.ts'
import { upkeepOperations } from './random/upkeep.ts'
import { heldTransaction } from './transaction.ts'

/** Steps of each sequence in the kit; `compareWithModel` takes more. */
const STEPS = 120
const SEEDS = 12
/** Steps from one comparison of all rows to the next. */
const COMPARED_EVERY = 12

const operations: readonly Operation[] = [
  ...subscriptionOperations,
  ...appendOperations,
  ...claimOperations,
  ...recordOperations,
  ...holdingOperations,
  ...upkeepOperations,
]

/** What came of a sequence. */
export interface Came {
  /** A word for each thing that happened, as often as it did. */
  readonly effects: readonly string[]
  /** A word for each thing that was rightly refused, or had nothing to be done to. */
  readonly refusals: readonly string[]
}

/**
 * Runs `steps` random operations of `seed`, up to as many again where one of them did nothing yet, on the lab's store and on a memory
 * store with the same clock.
 */
export async function compareWithModel(lab: Lab, seed: number, steps: number): Promise<Came> {
  const model = memoryStore({ clock: lab.clock() })
  const run: Run = {
    ...{ lab, store: lab.store, model },
    beginModel: () => heldTransaction((work) => model.transaction(work)),
    ...{ held: [], lost: [], jobs: [] },
    between: drawing(seed),
    versions: new Map(),
    ...{ effects: [], refusals: [] },
  }
  const idle = new Set(operations.map(([name]) => name))
  if (!lab.hasTransaction) idle.delete('append in a transaction')
  for (const tenantId of TENANTS)
    for (const id of ['sub-a', 'sub-b']) await insertSubscription(run, tenantId, id)
  let deck: Operation[] = []
  for (let step = 0; step < steps || (idle.size > 0 && step < 2 * steps); step++) {
    if (deck.length === 0) deck = shuffled(run)
    const late = step >= steps && step % 2 === 0 ? operations.find(([name]) => idle.has(name)) : undefined
    const [name, operate] = late ?? (deck.pop() as Operation)
    try {
      const before = run.effects.length
      await operate(run)
      if (run.effects.length > before) idle.delete(name)
      if (step % COMPARED_EVERY === COMPARED_EVERY - 1 || step === steps - 1) await compareRows(run)
    } catch (cause) {
      throw new Error(`seed ${seed}, step ${step} (${name}): ${(cause as Error).message}`, { cause })
    }
  }
  assert.deepEqual([...idle], [], `seed ${seed}: each operation did something at least once`)
  return { effects: run.effects, refusals: run.refusals }
}

/** All operations in an order of chance: none waits for its turn for ever. */
function shuffled(run: Run): Operation[] {
  const deck = [...operations]
  for (let at = deck.length - 1; at > 0; at--) {
    const other = run.between(0, at)
    ;[deck[at], deck[other]] = [deck[other] as Operation, deck[at] as Operation]
  }
  return deck
}
export const randomModelCases: CaseGroup = {
  group: 'random operations',
  cases: Array.from({ length: SEEDS }, (_, index) => ({
    name: `answer as the memory store does, seed ${index + 1}`,
    must: 'concurrent calls behave as if one came after the other; results are those of the readable reference',
    needs: ['clock'],
    async run(lab) {
      await compareWithModel(lab, index + 1, STEPS)
    },
  })),
}
