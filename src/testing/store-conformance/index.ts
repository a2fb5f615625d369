/** The conformance kit of stores: every MUST of `store.ts` as a case. Knows neither stores nor test runners by name. */
import { appendCases } from './append.ts'
import { batchCases } from './batches.ts'
import { callersTransactionCases } from './callers-transaction.ts'
import type { CaseContext, CaseSpec, ConformanceCase, Need, StoreUnderTest } from './case.ts'
import { claimCases } from './claim.ts'
import { claimLimitCases } from './claim-limits.ts'
import { concurrencyCases } from './concurrency.ts'
import { destinationCases } from './destinations.ts'
import { duplicateCases } from './duplicates.ts'
import { endingCases } from './ending.ts'
import { eraseCases } from './erase.ts'
import { fairnessCases } from './fairness.ts'
import { fanOutCases } from './fan-out.ts'
import { holdingCases } from './holding.ts'
import { jobCases } from './jobs.ts'
import { createLab } from './lab.ts'
import { lastOutcomeCases } from './last-outcome.ts'
import { lateCases } from './late.ts'
import { listCases } from './lists.ts'
import { listsInFullCases } from './lists-in-full.ts'
import { nameCases } from './names.ts'
import { orderCases } from './order.ts'
import { outsideOrderCases } from './outside-order.ts'
import { pacingCases } from './pacing.ts'
import { pruneCases } from './prune.ts'
import { pruneOwedCases } from './prune-owed.ts'
import { quarantineCases } from './quarantine.ts'
import { raceCases } from './races.ts'
import { randomModelCases } from './random-model.ts'
import { recordCases } from './record.ts'
import { redeliverCases } from './redeliver.ts'
import { replayCases } from './replay.ts'
import { rollupCases } from './rollups.ts'
import { stampCases } from './stamps.ts'
import { standingCases } from './standing.ts'
import { subscriptionCases } from './subscriptions.ts'
import { versionCases } from './versions.ts'

const groups = [
  subscriptionCases,
  versionCases,
  appendCases,
  duplicateCases,
  stampCases,
  callersTransactionCases,
  nameCases,
  claimCases,
  claimLimitCases,
  recordCases,
  lastOutcomeCases,
  lateCases,
  standingCases,
  fanOutCases,
  quarantineCases,
  fairnessCases,
  holdingCases,
  orderCases,
  outsideOrderCases,
  pacingCases,
  endingCases,
  redeliverCases,
  replayCases,
  destinationCases,
  jobCases,
  listCases,
  listsInFullCases,
  pruneCases,
  pruneOwedCases,
  eraseCases,
  rollupCases,
  batchCases,
  concurrencyCases,
  raceCases,
  randomModelCases,
]

const missing: Readonly<Record<Need, string>> = {
  clock: 'it needs time to pass: give makeStore a store with a manualClock()',
  transaction: 'it needs a transaction of the caller: give `transaction`',
}

function skipReason(spec: CaseSpec, underTest: StoreUnderTest): string | null {
  for (const name of Object.keys(underTest.skip ?? {})) {
    if (!groups.some((group) => group.cases.some((known) => known.name === name))) {
      throw new Error(`skip names a case that does not exist: "${name}".`)
    }
  }
  const reason = underTest.skip?.[spec.name]
  if (reason !== undefined) {
    if (reason.trim() === '') throw new Error(`skip gives no reason for "${spec.name}".`)
    return reason
  }
  for (const need of spec.needs ?? []) if (underTest[need] === undefined) return missing[need]
  return null
}

async function runCase(
  spec: CaseSpec,
  makeStore: () => Promise<StoreUnderTest>,
  context: CaseContext | undefined,
): Promise<void> {
  const underTest = await makeStore()
  try {
    const reason = skipReason(spec, underTest)
    if (reason !== null) {
      context?.skip(reason)
      return
    }
    await underTest.store.open()
    await spec.run(createLab(underTest))
  } finally {
    await underTest.store.close()
    await underTest.close?.()
  }
}

/**
 * Every conformance case for the stores that `makeStore` makes: one fresh, empty store per case; the kit opens and closes it.
 * @example node:test, vitest, bun:test
 * for (const conformance of storeConformance(makeStore)) {
 *   test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
 * }
 * @example jest (it has no way to skip from within: a skipped case passes)
 * test.each(storeConformance(makeStore))('$group: $name', (conformance) => conformance.run())
 */
export function storeConformance(makeStore: () => Promise<StoreUnderTest>): ConformanceCase[] {
  return groups.flatMap(({ group, cases }) =>
    cases.map((spec) => ({
      name: spec.name,
      group,
      must: spec.must,
      run: (context?: CaseContext) => runCase(spec, makeStore, context),
    })),
  )
}
