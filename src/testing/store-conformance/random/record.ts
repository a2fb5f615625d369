/** Random outcomes: of a fan-out or of deliveries, several a call, of live claims and of lost ones, some of them told again. */
import assert from 'node:assert/strict'
import type { Next, Outcome } from '../../../queries.ts'
import type { DeliveryWork, EventWork, NewAttempt } from '../../../records.ts'
import { comparable } from '../comparable.ts'
import type { OutcomeParts } from '../lab.ts'
import { deliveryTo } from './append.ts'
import {
  did,
  type Operation,
  once,
  pick,
  pickTaken,
  type Run,
  refused,
  settled,
  subscriptionsOf,
  type Taken,
} from './run.ts'

const ENDS: readonly Next[] = [
  { state: 'succeeded' },
  { state: 'succeeded' },
  { state: 'failed', reason: 'exhausted' },
  { state: 'failed', reason: 'refused' },
  { state: 'cancelled' },
  { state: 'pending', delayMs: 0, trigger: 'retry' },
  { state: 'pending', delayMs: 2_500, trigger: 'retry' },
  { state: 'pending', delayMs: 1_000, trigger: 'manual' },
  { state: 'held', always: true, trigger: 'event' },
  { state: 'held', always: true, trigger: 'event' },
  { state: 'held', always: false, trigger: 'probe' },
]

/** What is told of one row, with both claims of it. */
interface Told {
  readonly taken: Taken
  readonly outcome: Outcome
}

function attemptFor(run: Run, next: Next): Partial<NewAttempt> {
  const flags = { mayHaveBeenReceived: once(run, 2), afterLostClaim: once(run, 4) }
  const times = { durationMs: run.between(0, 900), url: `https://receiver.test/${run.between(1, 3)}` }
  const texts = { message: pick(run, [null, 'a message']), excerpt: pick(run, [null, 'an excerpt']) }
  const failed = pick(run, [
    { status: 500 },
    { status: null, failure: 'timeout' as const },
    { status: 429, failure: 'reset' as const },
  ])
  const trigger = pick(run, ['event', 'retry', 'manual', 'probe'] as const)
  return { ...flags, ...times, ...texts, trigger, ...(next.state === 'succeeded' ? {} : failed) }
}

async function tell(
  run: Run,
  taken: Taken,
  work: EventWork | DeliveryWork,
  parts: OutcomeParts = {},
): Promise<Told> {
  const next = pick(run, ENDS)
  const bare = next.state !== 'succeeded' && next.state !== 'pending' && once(run, 2)
  const attempt = bare ? null : attemptFor(run, next)
  return { taken, outcome: await run.lab.outcome(work, next, { ...parts, attempt }) }
}

/** A fan-out to most of the tenant's subscriptions, now and then to one that does not exist or that had its turn. */
async function fanOut(run: Run, taken: Taken, work: EventWork): Promise<readonly Told[]> {
  const known = (await subscriptionsOf(run, work.tenantId)).map(({ id }) => id)
  const ids = [...known.filter(() => !once(run, 4)), ...(once(run, 8) ? ['sub-d'] : [])]
  const told: Told[] = []
  for (const id of ids) {
    const parts = { subscriptionId: id, delivery: deliveryTo(run, id) }
    told.push(await tell(run, taken, work, parts))
  }
  return told
}

async function about(run: Run, taken: Taken): Promise<readonly Told[]> {
  const { work } = taken
  if (work.kind === 'job') return []
  return work.kind === 'event' ? fanOut(run, taken, work) : [await tell(run, taken, work)]
}

async function record(run: Run): Promise<void> {
  const told: Told[] = []
  for (let left = run.between(1, 3); left > 0; left--) {
    const taken = pickTaken(run)
    if (taken !== undefined) told.push(...(await about(run, taken)))
  }
  const [again] = told
  if (again !== undefined && once(run, 4)) told.push(again)
  const answer = await run.store.record(told.map(({ outcome }) => outcome))
  const wanted = await run.model.record(
    told.map(({ outcome, taken }) => ({ ...outcome, claim: taken.claim })),
  )
  assert.deepEqual(comparable(answer), comparable(wanted))
  for (const [at, { taken, outcome }] of told.entries()) {
    const result = answer[at]?.result
    if (result === undefined) continue
    if (result === 'recorded') did(run, `recorded as ${outcome.next.state}`)
    else refused(run, result)
    if (answer[at]?.ended) did(run, 'ended late')
    if (taken.work.kind === 'delivery') settled(run, taken)
  }
}

/** Where the whole call is one claim's and says so, a store may finish it at once; where it does not, `finish` does. */
async function recordTheLast(run: Run): Promise<void> {
  const events = run.held.flatMap((taken) =>
    taken.work.kind === 'event' ? [{ taken, work: taken.work }] : [],
  )
  const one = events.length === 0 ? undefined : pick(run, events)
  const told = one === undefined ? [] : await fanOut(run, one.taken, one.work)
  if (one === undefined || told.length === 0) return
  const lastAt = run.between(0, told.length - 1)
  const outcomes = told.map(({ outcome }, at) => (at === lastAt ? { ...outcome, last: true } : outcome))
  const answer = await run.store.record(outcomes)
  const wanted = await run.model.record(outcomes.map((outcome) => ({ ...outcome, claim: one.taken.claim })))
  const facts = (all: typeof answer) => all.map(({ finished: _, ...fact }) => comparable(fact))
  assert.deepEqual(facts(answer), facts(wanted))
  const finished = answer.some((recorded) => recorded.finished)
  const mayFinish = answer.every(({ result }) => result === 'recorded')
  assert.ok(mayFinish || !finished, 'a claim is finished when every outcome of it in this call was recorded')
  const left = await run.store.finish([one.work.claim])
  const leftOfModel = await run.model.finish([one.taken.claim])
  assert.equal(Number(finished) + left, Number(wanted.some((recorded) => recorded.finished)) + leftOfModel)
  did(run, 'recorded with the last one', Number(finished) + left)
  settled(run, one.taken)
}

/** As often as they are drawn. */
export const recordOperations: readonly Operation[] = [
  ...Array.from({ length: 9 }, (): Operation => ['record', record]),
  ['record the last one', recordTheLast],
  ['record the last one', recordTheLast],
]
