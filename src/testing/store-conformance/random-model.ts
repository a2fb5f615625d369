/**
 * Random operations, drawn from a seed, on a store and on the memory store beside it: both must answer alike, and hold the
 * same rows. What a store may choose freely (row ids, numbers, fractions of a millisecond, the order of equals) is not
 * compared.
 */
import assert from 'node:assert/strict'
import type { Next, Outcome } from '../../queries.ts'
import type { Claim, DeliveryWork, EventWork, Work } from '../../records.ts'
import type { Store } from '../../store.ts'
import { memoryStore } from '../../stores/memory.ts'
import type { CaseGroup } from './case.ts'
import { comparable } from './comparable.ts'
import { drawing } from './drawing.ts'
import type { Lab } from './lab.ts'

/** Steps of each sequence in the kit; `compareWithModel` takes more. */
const STEPS = 80
const SEEDS = 12
const TENANTS = ['acme', 'globex'] as const
const SUBSCRIPTIONS = ['sub-a', 'sub-b', 'sub-c'] as const
const MANY = 1_000

/** One queue row as both stores claimed it. */
interface Held {
  readonly store: EventWork | DeliveryWork
  readonly model: Claim
}

interface Run {
  readonly lab: Lab
  readonly store: Store<unknown>
  readonly model: Store<unknown>
  readonly held: Held[]
  readonly deliveries: { readonly tenantId: string; readonly id: string }[]
  readonly between: (from: number, to: number) => number
}

/** Runs `steps` random operations of `seed` on the lab's store and on a memory store with the same clock. */
export async function compareWithModel(lab: Lab, seed: number, steps: number): Promise<void> {
  const between = drawing(seed)
  const model: Store<unknown> = memoryStore({ clock: lab.clock() })
  const run: Run = { lab, store: lab.store, model, held: [], deliveries: [], between }
  for (let step = 0; step < steps; step++) {
    const [name, operate] = pick(run, operations)
    try {
      await operate(run)
      if (step % 8 === 7 || step === steps - 1) await compareRows(run)
    } catch (cause) {
      throw new Error(`seed ${seed}, step ${step} (${name}): ${(cause as Error).message}`, { cause })
    }
  }
}

const pick = <Item>(run: Pick<Run, 'between'>, items: readonly Item[]): Item =>
  items[run.between(0, items.length - 1)] as Item

/** Does the same on both and compares the answers. */
async function both<Answer>(run: Run, operate: (store: Store<unknown>) => Promise<Answer>): Promise<Answer> {
  const [answer, wanted] = [await operate(run.store), await operate(run.model)]
  assert.deepEqual(comparable(answer), comparable(wanted))
  return answer
}

type Operation = readonly [name: string, operate: (run: Run) => Promise<void>]

const place = (run: Run) => ({ tenantId: pick(run, TENANTS), id: pick(run, SUBSCRIPTIONS) })

const operations: readonly Operation[] = [
  ['insert a subscription', insertSubscription],
  ['change a subscription', updateSubscription],
  [
    'delete a subscription',
    async (run) => {
      const { tenantId, id } = place(run)
      if (run.between(0, 3) === 0)
        await both(run, async (store) => {
          const deleted = await store.deleteSubscription(tenantId, id)
          return deleted?.subscription ?? null
        })
    },
  ],
  ...repeated(4, ['append', append]),
  ...repeated(3, ['claim', claim]),
  ...repeated(6, ['record', record]),
  ...repeated(3, ['finish', finish]),
  ['hand back', handBack],
  [
    'hold',
    async (run) => {
      const { tenantId, id } = place(run)
      await both(run, (store) => store.hold(tenantId, id, MANY))
    },
  ],
  ...repeated(2, ['release', release]),
  ['expire', (run) => sorted(run, (store) => store.expire(MANY))],
  [
    'cancel',
    async (run) => {
      const delivery = pick(run, run.deliveries)
      if (delivery === undefined || run.between(0, 2) > 0) return
      const filter = { tenantId: delivery.tenantId, deliveryId: delivery.id }
      await sorted(run, (store) => store.cancel(filter, MANY))
    },
  ],
  ['redeliver', redeliver],
  ['replace a destination', replaceDestination],
  ...repeated(3, ['wait', (run) => run.lab.advance(pick(run, [1, 200, 4_000, 31_000]))]),
  [
    'prune',
    async (run) => {
      const request = { finishedAgeMs: 90_000, bodyAgeMs: 45_000, keyAgeMs: 45_000, limit: MANY }
      if (run.between(0, 2) === 0) await both(run, (store) => store.prune(request))
    },
  ],
]

function repeated(times: number, operation: Operation): readonly Operation[] {
  return Array.from({ length: times }, () => operation)
}

async function insertSubscription(run: Run): Promise<void> {
  const events = pick(run, [['*'], ['order.*'], ['order.paid', 'user.*']])
  const row = run.lab.subscription({ ...place(run), events })
  await both(run, (store) => store.insertSubscription(row, { perTenant: 2 }))
}

async function updateSubscription(run: Run): Promise<void> {
  const { tenantId, id } = place(run)
  const patch = pick(run, [
    { state: 'paused', pausedBy: 'user' } as const,
    { state: 'disabled', disabledReason: 'user', pausedBy: null } as const,
    { state: 'active', pausedBy: null, disabledReason: null } as const,
    { url: `https://receiver.test/${run.between(1, 9)}` },
    { condition: { failures: run.between(1, 9) } },
    { rotate: { value: `whsec_${run.between(1, 9)}`, overlapMs: 5_000, keep: 3 } },
  ])
  const guard = pick(run, [undefined, { revision: 1 }, { states: ['active' as const] }])
  await both(run, (store) => store.updateSubscription(tenantId, id, patch, guard))
}

async function append(run: Run): Promise<void> {
  const count = run.between(1, 3)
  const events = Array.from({ length: count }, () => {
    const id = run.between(0, 3) === 0 ? { id: `evt-again-${run.between(1, 3)}` } : {}
    return run.lab.event({
      ...id,
      tenantId: pick(run, TENANTS),
      type: pick(run, ['order.paid', 'order.sent', 'user.made']),
      skipped: run.between(0, 9) === 0,
      orderingKey: pick(run, [null, 'k1', 'k2']),
      idempotencyKey: pick(run, [null, null, null, 'once', 'twice']),
      ...pick(run, [{}, {}, { delayMs: 3_000 }]),
      ...(run.between(0, 5) === 0
        ? { addressee: run.lab.newDelivery({ subscriptionId: null, destination: 'x' }) }
        : {}),
    })
  })
  const room = run.between(0, 2)
  const options = room === 0 ? {} : { claim: { token: run.lab.unique('token'), leaseMs: 30_000, room } }
  const [answer, wanted] = [await run.store.append(events, options), await run.model.append(events, options)]
  assert.deepEqual(comparable(answer.appended), comparable(wanted.appended))
  keep(
    run,
    answer.appended.flatMap((entry) => entry.work ?? []),
    wanted.appended.flatMap((entry) => entry.work ?? []),
  )
}

async function claim(run: Run): Promise<void> {
  const token = run.lab.unique('token')
  const shares = { limit: MANY, perTenant: MANY, perSubscription: MANY, shares: new Map(), alone: false }
  const request = { token, leaseMs: 30_000, ...shares }
  const [answer, wanted] = [await run.store.claim(request), await run.model.claim(request)]
  assert.deepEqual(answer.suspects, wanted.suspects, 'suspects')
  assert.deepEqual(byName(answer.work), byName(wanted.work))
  keep(run, answer.work, wanted.work)
}

/** With the tenant: two tenants may give their events the same id. */
const nameOf = (work: Work): string =>
  work.kind === 'job'
    ? 'job'
    : `${work.tenantId} ${work.event.id} ${work.kind === 'delivery' ? work.delivery.id : ''}`

const byName = (work: readonly Work[]) =>
  work.map((one) => [nameOf(one), comparable(one)] as const).sort(([a], [b]) => (a < b ? -1 : 1))

function keep(run: Run, work: readonly Work[], wanted: readonly Work[]): void {
  for (const one of work) {
    const model = wanted.find((other) => nameOf(other) === nameOf(one))
    if (one.kind === 'job' || model === undefined) continue
    run.held.push({ store: one, model: model.claim })
    if (one.kind === 'delivery') run.deliveries.push({ tenantId: one.tenantId, id: one.delivery.id })
  }
}

const ENDS: readonly Next[] = [
  { state: 'succeeded' },
  { state: 'succeeded' },
  { state: 'failed', reason: 'exhausted' },
  { state: 'pending', delayMs: 0, trigger: 'retry' },
  { state: 'pending', delayMs: 2_500, trigger: 'retry' },
  { state: 'held', always: true, trigger: 'event' },
  { state: 'held', always: false, trigger: 'event' },
]

async function record(run: Run): Promise<void> {
  const held = pick(run, run.held)
  if (held === undefined) return
  const next = pick(run, ENDS)
  const subscriptionId = pick(run, SUBSCRIPTIONS)
  const parts = held.store.kind === 'event' ? { subscriptionId } : {}
  const bare = (next.state === 'held' || next.state === 'failed') && run.between(0, 1) === 0
  const outcome = await run.lab.outcome(held.store, next, { ...parts, ...(bare ? { attempt: null } : {}) })
  const outcomes: Outcome[] = run.between(0, 9) === 0 ? [outcome, outcome] : [outcome]
  const [answer, wanted] = [
    await run.store.record(outcomes),
    await run.model.record(outcomes.map((one) => ({ ...one, claim: held.model }))),
  ]
  assert.deepEqual(comparable(answer), comparable(wanted))
  for (const { delivery } of answer) {
    if (delivery !== null) run.deliveries.push({ tenantId: delivery.tenantId, id: delivery.id })
  }
}

/** Takes a held row out and does something to it on both. */
async function settle(
  run: Run,
  operate: (store: Store<unknown>, claim: Claim) => Promise<unknown>,
): Promise<void> {
  const [held] = run.held.splice(run.between(0, Math.max(0, run.held.length - 1)), 1)
  if (held === undefined) return
  assert.deepEqual(await operate(run.store, held.store.claim), await operate(run.model, held.model))
}

function finish(run: Run): Promise<void> {
  return settle(run, (store, row) => store.finish([row]))
}

async function handBack(run: Run): Promise<void> {
  const delayMs = pick(run, [0, 1_500])
  await settle(run, (store, row) => store.handBack([{ claim: row, delayMs }]))
}

async function release(run: Run): Promise<void> {
  const { tenantId, id: subscriptionId } = place(run)
  const ordering = pick(run, ['none', 'none', 'subscription', 'key'] as const)
  const request = { tenantId, subscriptionId, limit: MANY, ordering }
  const [answer, wanted] = [await run.store.release(request), await run.model.release(request)]
  assert.deepEqual(comparable(answer), comparable(wanted))
}

async function redeliver(run: Run): Promise<void> {
  const delivery = pick(run, run.deliveries)
  if (delivery === undefined) return
  const options = { trigger: 'manual', maxAgeMs: 60_000, destination: 'again' } as const
  await both(run, (store) => store.redeliver(delivery.tenantId, delivery.id, options))
}

async function replaceDestination(run: Run): Promise<void> {
  const delivery = pick(run, run.deliveries)
  if (delivery === undefined) return
  const { tenantId, id: deliveryId } = delivery
  const change = { tenantId, deliveryId, from: pick(run, ['x', 'again']), to: 'anew' }
  await both(run, (store) => store.replaceDestinations([change]))
}

async function sorted(
  run: Run,
  operate: (store: Store<unknown>) => Promise<readonly { readonly id: string }[]>,
): Promise<void> {
  await both(run, async (store) => [...(await operate(store))].sort((a, b) => (a.id < b.id ? -1 : 1)))
}

/** Everything that can be read. */
async function compareRows(run: Run): Promise<void> {
  const page = { limit: MANY }
  for (const tenant of TENANTS) {
    await both(run, (store) => store.listSubscriptions({ tenant }, page))
    await sorted(run, async (store) => (await store.listEvents({ tenant }, page)).rows)
    await sorted(run, async (store) => (await store.listDeliveries({ tenant }, page)).rows)
    await sorted(run, async (store) => (await store.listAttempts({ tenant }, page)).rows)
    await both(run, (store) => store.backlog({ tenant }))
  }
  await both(run, (store) => store.listHeld({ after: null, limit: MANY }))
}

export const randomModelCases: CaseGroup = {
  group: 'random operations',
  cases: Array.from({ length: SEEDS }, (_, index) => ({
    name: `answer as the memory store does, seed ${index + 1}`,
    must: 'concurrent calls behave as if one came after the other; results are those of the readable reference',
    needs: ['clock'],
    run: (lab) => compareWithModel(lab, index + 1, STEPS),
  })),
}
