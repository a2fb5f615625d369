/** What the random operations share: the two stores, what both have claimed, chance, and a tally of what came of it all. */
import assert from 'node:assert/strict'
import type { DeliveryFilter, SubscriptionFilter } from '../../../lists.ts'
import { anyTenant } from '../../../model.ts'
import type { Claim, SubscriptionRecord, Work } from '../../../records.ts'
import type { Store } from '../../../store.ts'
import type { MemoryTransaction } from '../../../stores/memory.ts'
import type { TestTransaction } from '../case.ts'
import { comparable } from '../comparable.ts'
import type { Lab } from '../lab.ts'

/** More than a sequence ever makes of anything. */
export const MANY = 1_000
export const TENANTS = ['acme', 'globex'] as const

/** One queue row as both stores claimed it. */
export interface Taken {
  readonly work: Work
  /** Of the model. */
  readonly claim: Claim
}

/** One sequence. */
export interface Run {
  readonly lab: Lab
  readonly store: Store<unknown>
  readonly model: Store<MemoryTransaction>
  /** Begins a transaction of the model. */
  readonly beginModel: () => Promise<TestTransaction>
  /** Claims that may be live. */
  readonly held: Taken[]
  /** Claims that have been settled. */
  readonly lost: Taken[]
  /** Ids of the jobs that were added. */
  readonly jobs: { readonly tenantId: string; readonly store: string; readonly model: string }[]
  readonly between: (from: number, to: number) => number
  /** Of each tenant, as both had it at the last comparison. */
  readonly versions: Map<string, { readonly store: number; readonly model: number }>
  /** What has happened, and what was refused, one word each time. */
  readonly effects: string[]
  readonly refusals: string[]
}

/** An operation, drawn by chance. */
export type Operation = readonly [name: string, operate: (run: Run) => Promise<void>]

/** One of them. */
export const pick = <Item>(run: Pick<Run, 'between'>, items: readonly Item[]): Item =>
  items[run.between(0, items.length - 1)] as Item

/** True once in `times`. */
export const once = (run: Run, times: number): boolean => run.between(1, times) === 1

/** Something has happened. */
export function did(run: Run, what: string, times = 1): void {
  for (let time = 0; time < times; time++) run.effects.push(what)
}

/** Something was refused, or there was nothing to do it to. */
export function refused(run: Run, what: string, times = 1): void {
  for (let time = 0; time < times; time++) run.refusals.push(what)
}

/** Does the same on both, and compares the answers. */
export async function both<Answer>(
  run: Run,
  operate: (store: Store<unknown>) => Promise<Answer>,
): Promise<Answer> {
  const [answer, wanted] = [await operate(run.store), await operate(run.model as Store<unknown>)]
  assert.deepEqual(comparable(answer), comparable(wanted))
  return answer
}

/** Does the same on both until nothing is left to do: which rows come first is a free choice. Answers how many there were. */
export async function untilNothing(
  run: Run,
  operate: (store: Store<unknown>) => Promise<readonly { readonly id: string }[]>,
): Promise<number> {
  const rows = await both(run, async (store) => {
    const done: { readonly id: string }[] = []
    for (;;) {
      const some = await operate(store)
      if (some.length === 0) return done.sort((a, b) => (a.id < b.id ? -1 : 1))
      done.push(...some)
    }
  })
  return rows.length
}

/** The subscriptions of a tenant, as the model has them. */
export async function subscriptionsOf(run: Run, tenantId?: string): Promise<readonly SubscriptionRecord[]> {
  const filter: SubscriptionFilter = { tenant: tenantId ?? anyTenant }
  return (await run.model.listSubscriptions(filter, { limit: MANY, order: 'oldest' })).rows
}

/** The deliveries of all tenants, as the model has them. */
export async function deliveriesIn(run: Run, state?: 'pending' | 'failed') {
  const filter: DeliveryFilter = { tenant: anyTenant, ...(state === undefined ? {} : { state }) }
  return (await run.model.listDeliveries(filter, { limit: MANY, order: 'oldest' })).rows
}

/** With the tenant: two tenants may give their events the same id. Ranges of one event never have the same bounds. */
const nameOf = (work: Work): string => {
  if (work.kind === 'job') return `job ${work.job.name}`
  const part = work.kind === 'delivery' ? work.delivery.id : `${work.after} ${work.upTo}`
  return `${work.kind} ${work.tenantId} ${work.event.id} ${part}`
}

/** Compares what both claimed, whatever the order of equals, and keeps it. */
export function keepClaimed(run: Run, work: readonly Work[], wanted: readonly Work[]): void {
  const named = (all: readonly Work[]) =>
    all.map((one) => [nameOf(one), comparable(one)] as const).sort(([a], [b]) => (a < b ? -1 : 1))
  assert.deepEqual(named(work), named(wanted))
  for (const one of work) {
    const before = run.held.find((taken) => nameOf(taken.work) === nameOf(one))
    if (before !== undefined) settled(run, before)
    const model = wanted.find((other) => nameOf(other) === nameOf(one))
    if (model !== undefined) run.held.push({ work: one, claim: model.claim })
    did(run, `${one.kind} claimed`)
    if (one.lostClaims > 0) did(run, 'claimed after a lost claim')
  }
}

/** One that may still be held, rarely one that no longer is. */
export function pickTaken(run: Run): Taken | undefined {
  const late = run.lost.length > 0 && once(run, 6)
  const from = late || run.held.length === 0 ? run.lost : run.held
  return from.length === 0 ? undefined : pick(run, from)
}

/** Takes a claim for one that is settled, from then on. */
export function settled(run: Run, taken: Taken): void {
  const at = run.held.indexOf(taken)
  if (at < 0) return
  run.held.splice(at, 1)
  run.lost.push(taken)
}
