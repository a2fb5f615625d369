/** Random events: now, later, again, with a key, with an addressee, already claimed, in a transaction. */
import assert from 'node:assert/strict'
import type { NewDelivery, NewEvent } from '../../../records.ts'
import type { TestTransaction } from '../case.ts'
import { comparable } from '../comparable.ts'
import {
  deliveriesIn,
  did,
  keepClaimed,
  MANY,
  type Operation,
  once,
  pick,
  type Run,
  refused,
  subscriptionsOf,
  TENANTS,
} from './run.ts'

/** Maximum ages: some end within a sequence. */
const AGES = [3_000, 20_000, 86_400_000] as const

/** A delivery of a subscription, or of a one-use destination where it is null. */
export function deliveryTo(run: Run, subscriptionId: string | null): NewDelivery {
  return run.lab.newDelivery({
    subscriptionId,
    destination: subscriptionId === null ? 'x' : null,
    body: pick(run, [null, null, '{"own":1}']),
    headers: pick(run, [null, null, { 'x-own': 'one' }]),
    test: once(run, 4),
    maxAgeMs: pick(run, AGES),
  })
}

async function randomEvent(run: Run): Promise<NewEvent> {
  const tenantId = pick(run, TENANTS)
  const ids = [null, ...(await subscriptionsOf(run, tenantId)).map(({ id }) => id)]
  return run.lab.event({
    ...(once(run, 4) ? { id: `evt-again-${run.between(1, 3)}` } : {}),
    tenantId,
    type: pick(run, ['order.paid', 'order.sent', 'user.made']),
    body: `{"n":${run.between(1, 9)}}`,
    metadata: pick(run, [{}, { k: 'v' }]),
    settings: pick(run, [{}, { channels: ['a'] }]),
    test: once(run, 4),
    skipped: once(run, 10),
    orderingKey: pick(run, [null, 'k1', 'k2']),
    idempotencyKey: pick(run, [null, null, null, 'once', 'twice']),
    ...pick(run, [{}, {}, { delayMs: 3_000 }, { dueAt: (await run.lab.store.now()) + run.between(-1, 1) }]),
    ...(once(run, 4) ? { addressee: deliveryTo(run, pick(run, ids)) } : {}),
  })
}

async function randomEvents(run: Run): Promise<NewEvent[]> {
  const events: NewEvent[] = []
  for (let left = run.between(1, 4); left > 0; left--) events.push(await randomEvent(run))
  return events
}

async function append(run: Run): Promise<void> {
  // Which ones a small room takes is a free choice where some of them turn out to be duplicates.
  const room = pick(run, [0, run.between(1, 3), MANY])
  const isSmall = room > 0 && room < MANY
  const events = (await randomEvents(run)).map((event) =>
    isSmall ? { ...event, id: run.lab.unique('evt'), idempotencyKey: null } : event,
  )
  const options = room === 0 ? {} : { claim: { token: run.lab.unique('token'), leaseMs: 30_000, room } }
  const before = (await deliveriesIn(run)).length
  const [answer, wanted] = [await run.store.append(events, options), await run.model.append(events, options)]
  assert.deepEqual(comparable(answer.appended), comparable(wanted.appended))
  assert.deepEqual([...answer.versions.keys()].sort(), [...wanted.versions.keys()].sort(), 'tenants')
  did(run, 'event appended', answer.appended.filter(({ duplicate }) => !duplicate).length)
  refused(run, 'duplicate', answer.appended.filter(({ duplicate }) => duplicate).length)
  did(run, 'addressee stored', (await deliveriesIn(run)).length - before)
  const workOf = (entries: typeof answer.appended) => entries.flatMap((entry) => entry.work ?? [])
  did(run, 'appended already claimed', workOf(answer.appended).length)
  keepClaimed(run, workOf(answer.appended), workOf(wanted.appended))
}

async function appendIn(
  run: Run,
  calls: readonly (readonly NewEvent[])[],
  own: TestTransaction,
  model: TestTransaction,
): Promise<number> {
  let stored = 0
  for (const events of calls) {
    const answer = await run.store.append(events, { tx: own.tx })
    const wanted = await run.model.append(events, { tx: model.tx as never })
    assert.deepEqual(comparable(answer.appended), comparable(wanted.appended))
    stored += answer.appended.filter(({ duplicate }) => !duplicate).length
  }
  return stored
}

/** Nothing else happens while it is open: a store of one session would wait for its end. */
async function appendInTransaction(run: Run): Promise<void> {
  const calls = once(run, 2) ? [await randomEvents(run)] : [await randomEvents(run), await randomEvents(run)]
  const commits = !once(run, 3)
  if (!run.lab.hasTransaction) return
  const [own, model] = [await run.lab.begin(), await run.beginModel()]
  const stored = await appendIn(run, calls, own, model).catch(async (error: unknown) => {
    await own.rollback()
    throw error
  })
  for (const { commit, rollback } of [own, model]) await (commits ? commit() : rollback())
  if (stored > 0) did(run, commits ? 'transaction committed' : 'transaction rolled back')
}

/** As often as they are drawn. */
export const appendOperations: readonly Operation[] = [
  ['append', append],
  ['append', append],
  ['append', append],
  ['append', append],
  ['append in a transaction', appendInTransaction],
  ['append in a transaction', appendInTransaction],
]
