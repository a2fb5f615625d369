/** Random operations on subscriptions: most of them on one that exists. */
import type { SubscriptionPatch } from '../../../records.ts'
import {
  both,
  deliveriesIn,
  did,
  type Operation,
  once,
  pick,
  type Run,
  refused,
  subscriptionsOf,
  TENANTS,
} from './run.ts'

const IDS = ['sub-a', 'sub-b', 'sub-c', 'sub-d'] as const
const LIMIT = 3

/** Inserts one, with fields drawn by chance. */
export async function insertSubscription(run: Run, tenantId: string, id: string): Promise<void> {
  const paused = once(run, 6)
  const row = run.lab.subscription({
    id,
    tenantId,
    events: pick(run, [['*'], ['order.*'], ['order.paid', 'user.*']]),
    name: pick(run, [null, 'a name']),
    description: pick(run, [null, 'a description']),
    headers: pick(run, [{}, { 'x-own': 'one' }]),
    metadata: pick(run, [{}, { plan: 'pro' }, { plan: 'free', area: 'eu' }]),
    settings: pick(run, [{}, { order: { by: 'key' } }]),
    ...(paused ? { state: 'paused' as const, pausedBy: pick(run, ['user', 'breaker'] as const) } : {}),
    secrets: pick(run, [[{ value: 'one' }], [{ value: 'one' }, { value: 'two' }]]),
  })
  const limits = pick(run, [undefined, { perTenant: LIMIT }, { perTenant: LIMIT }])
  const inserted = await both(run, (store) => store.insertSubscription(row, limits))
  if (inserted === null) refused(run, 'id taken')
  else if (inserted === 'limit') refused(run, 'limit reached')
  else did(run, 'subscription inserted')
}

/** Mostly one that is not there yet. */
async function insertAnother(run: Run): Promise<void> {
  const tenantId = pick(run, TENANTS)
  const known = (await subscriptionsOf(run, tenantId)).map(({ id }) => id)
  const absent = IDS.filter((id) => !known.includes(id))
  await insertSubscription(run, tenantId, pick(run, absent.length === 0 || once(run, 4) ? IDS : absent))
}

/** One that exists, rarely one that does not. */
async function place(
  run: Run,
  isOwed = false,
): Promise<{ readonly tenantId: string; readonly id: string; revision: number }> {
  const pending = await deliveriesIn(run, 'pending')
  const known = (await subscriptionsOf(run)).filter(
    ({ tenantId, id }) =>
      !isOwed || pending.some((row) => row.tenantId === tenantId && row.subscriptionId === id),
  )
  if (known.length === 0 || once(run, 10))
    return { tenantId: pick(run, TENANTS), id: pick(run, IDS), revision: 1 }
  return pick(run, known)
}

async function updateSubscription(run: Run): Promise<void> {
  const { tenantId, id, revision } = await place(run)
  const state: readonly SubscriptionPatch[] = [
    { state: 'paused', pausedBy: 'user' },
    { state: 'paused', pausedBy: 'breaker', disabledReason: null },
    { state: 'disabled', disabledReason: 'failing', pausedBy: null },
    { state: 'active', pausedBy: null, disabledReason: null },
    { state: 'active', pausedBy: null, disabledReason: null },
  ]
  const fields: readonly SubscriptionPatch[] = [
    { url: `https://receiver.test/${run.between(1, 9)}` },
    { rotate: { value: `whsec_${run.between(1, 9)}`, overlapMs: 5_000, keep: run.between(1, 3) } },
    { secrets: [{ value: `whsec_${run.between(1, 9)}`, createdAt: 1, expiresAt: null }] },
    { events: ['user.*'], name: pick(run, ['another', null]), description: pick(run, ['another', null]) },
    { headers: { 'x-other': 'two' }, metadata: { area: 'us' }, settings: { retry: [1, 2] } },
  ]
  const condition: SubscriptionPatch = { condition: { failures: run.between(1, 9) } }
  const some = { ...pick(run, fields), ...pick(run, fields) }
  const patch = pick(run, [
    condition,
    ...[some, { ...some, ...pick(run, state) }, { ...some, ...pick(run, state), ...condition }],
  ])
  const guard = pick(run, [
    ...[undefined, undefined, undefined, { revision }, { revision, states: ['active', 'paused'] as const }],
    ...[{ revision: revision + 1 }, { states: ['disabled'] as const }],
  ])
  const changed = await both(run, (store) => store.updateSubscription(tenantId, id, patch, guard))
  if (changed === null || changed === 'conflict') refused(run, changed ?? 'nothing to change')
  else for (const key of Object.keys(patch)) did(run, `${key} changed`)
}

async function deleteSubscription(run: Run): Promise<void> {
  const { tenantId, id } = await place(run, !once(run, 3))
  const deleted = await both(run, async (store) => {
    const answer = await store.deleteSubscription(tenantId, id)
    if (answer === null) return null
    return { ...answer, cancelled: [...answer.cancelled].sort((a, b) => (a.id < b.id ? -1 : 1)) }
  })
  if (deleted !== null) did(run, 'subscription deleted')
  did(run, 'cancelled by a delete', deleted?.cancelled.length ?? 0)
}

/** As often as they are drawn. */
export const subscriptionOperations: readonly Operation[] = [
  ['insert a subscription', insertAnother],
  ['insert a subscription', insertAnother],
  ['insert a subscription', insertAnother],
  ['change a subscription', updateSubscription],
  ['change a subscription', updateSubscription],
  ['change a subscription', updateSubscription],
  ['change a subscription', updateSubscription],
  ['delete a subscription', deleteSubscription],
]
