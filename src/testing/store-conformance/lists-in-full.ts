/** Cases: every list, asked all that it can be asked, against rows that the case knows. */

import { matchesPattern } from '../../patterns.ts'
import type { Outcome } from '../../queries.ts'
import type {
  AttemptRecord,
  DeliveryRecord,
  EventRecord,
  StoredJob,
  SubscriptionRecord,
} from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { dueNow, exhausted, heldAlways, type Lab, succeeded } from './lab.ts'
import { askAll, isField, LISTED } from './list-questions.ts'

/** Names in the order of their bytes, which is neither that of a language nor that of UTF-16. */
const NAMES = ['A', 'B', 'a', 'a ', 'é', '\u{FF5E}', '\u{1F4EF}'] as const
/** Of three types: one is another's beginning, and two differ by case. */
const TYPES = ['order.paid', 'order.paid.late', 'Order.paid'] as const
const SUBSCRIPTIONS = ['sub-a', 'sub-b', 'Sub-a'] as const
const must =
  'newest first by (instant, id) unless oldest; rows strictly after `after`; count all matching rows'

/** `since` and `until` of a list. */
const within = <Row>(at: (row: Row) => number) => ({
  since: (row: Row, since: never) => at(row) >= since,
  until: (row: Row, until: never) => at(row) < until,
})

/** Instants to ask for: those of two rows of the tenant that is asked most, none, and one beside. */
function instantsOf<Row extends { readonly tenantId: string }>(
  rows: readonly Row[],
  at: (row: Row) => number,
): { readonly since: readonly number[]; readonly until: readonly number[] } {
  const instants = rows.filter(({ tenantId }) => tenantId === LISTED[0]).map(at)
  const [low = 0, high = 0] = [instants[1], instants.at(-1)]
  return { since: [low, high, 0, low + 0.001], until: [high, low, 0, high + 0.001] }
}

/** Lets some time pass, where it can. */
const later = async ({ hasClock, advance }: Lab) => (hasClock ? advance(1) : undefined)

/** Of each tenant an event of each type, in turns; their deliveries in every state, with attempts at instants of which some are equal. */
async function history(lab: Lab, idOf = (_tenantId: string, at: number) => `evt-${at}`) {
  const { store, subscribe, publishClaimed, outcome } = lab
  const [events, places, attempts]: [EventRecord[], [string, string][], AttemptRecord[]] = [[], [], []]
  const late: Outcome[] = []
  for (const tenantId of LISTED) for (const id of SUBSCRIPTIONS) await subscribe({ tenantId, id })
  for (const [at, type] of [...TYPES, TYPES[0]].entries()) {
    for (const tenantId of LISTED) {
      const work = await publishClaimed({ tenantId, type, id: idOf(tenantId, at) })
      events.push(work.event)
      const told: Outcome[] = []
      for (const subscriptionId of SUBSCRIPTIONS) {
        const turn = places.length
        const next = [succeeded, dueNow, exhausted, heldAlways, succeeded][turn % 5] ?? succeeded
        const id = `${NAMES[turn % NAMES.length]}-${turn}`
        const attempt = { id: `att-${id}`, startedAt: 1_700_000_000_000 + (turn % 3) + (turn % 2) / 8 }
        const parts = { subscriptionId, delivery: { id } }
        told.push(await outcome(work, next, { ...parts, attempt }))
        const again = { ...attempt, id: `${attempt.id}+` }
        if (turn % 4 === 0)
          late.push(await outcome(work, exhausted, { ...parts, token: 'forged', attempt: again }))
        places.push([tenantId, id])
      }
      attempts.push(...(await store.record(told)).flatMap(({ attempt }) => attempt ?? []))
      await store.finish([work.claim])
    }
    await later(lab)
  }
  attempts.push(...(await store.record(late)).flatMap(({ attempt }) => attempt ?? []))
  const rows = await Promise.all(places.map(([tenantId, id]) => store.getDelivery(tenantId, id)))
  return { events, deliveries: rows.filter((row) => row !== null), attempts }
}

async function askDeliveries({ store }: Lab, rows: readonly DeliveryRecord[]): Promise<void> {
  const at = ({ createdAt }: DeliveryRecord) => createdAt
  await askAll<DeliveryRecord>({
    list: (filter, page) => store.listDeliveries(filter, page),
    ...{ rows, at, key: ({ id }) => id },
    fits: {
      subscriptionId: isField(({ subscriptionId }) => subscriptionId),
      eventId: isField(({ eventId }) => eventId),
      type: isField(({ eventType }) => eventType),
      state: isField(({ state }) => state),
      ...within(at),
    },
    values: {
      ...{ subscriptionId: SUBSCRIPTIONS, eventId: ['evt-0', 'evt-1', 'EVT-0', 'evt-'], type: TYPES },
      ...{ state: ['succeeded', 'pending', 'failed', 'cancelled'], ...instantsOf(rows, at) },
    },
  })
}

async function askAttempts({ store }: Lab, rows: readonly AttemptRecord[]): Promise<void> {
  const at = ({ startedAt }: AttemptRecord) => startedAt
  const ofMost = rows.filter(({ tenantId }) => tenantId === LISTED[0])
  const ids = ofMost.slice(0, 3).map(({ deliveryId }) => deliveryId)
  await askAll<AttemptRecord>({
    list: (filter, page) => store.listAttempts(filter, page),
    ...{ rows, at, key: ({ id }) => id },
    fits: {
      subscriptionId: isField(({ subscriptionId }) => subscriptionId),
      deliveryId: isField(({ deliveryId }) => deliveryId),
      eventId: isField(({ eventId }) => eventId),
      type: isField(({ eventType }) => eventType),
      ...within(at),
    },
    values: {
      ...{ subscriptionId: SUBSCRIPTIONS, eventId: ['evt-0', 'evt-1', 'EVT-0', 'evt-'], type: TYPES },
      ...{ deliveryId: [...ids, ids[0]?.toLowerCase(), 'none'], ...instantsOf(rows, at) },
    },
  })
}

/** See the file's header. */
export const listsInFullCases: CaseGroup = {
  group: 'lists in full',
  cases: [
    {
      name: 'events are listed by what was asked, and by nothing else',
      must,
      async run(lab) {
        // Two tenants' events of one instant and one id have no order.
        const { events: rows } = await history(lab, (tenantId, at) => `${tenantId}-${at}`)
        const at = ({ publishedAt }: EventRecord) => publishedAt
        await askAll<EventRecord>({
          list: (filter, page) => lab.store.listEvents(filter, page),
          ...{ rows, at, key: ({ id }) => id },
          fits: { type: isField(({ type }) => type), ...within(at) },
          values: { type: TYPES, ...instantsOf(rows, at) },
        })
      },
    },
    {
      name: 'deliveries and attempts are listed by what was asked, and by nothing else',
      must,
      async run(lab) {
        const { deliveries, attempts } = await history(lab)
        await askDeliveries(lab, deliveries)
        await askAttempts(lab, attempts)
      },
    },
    {
      name: 'subscriptions are listed by what was asked, and by nothing else',
      must: `${must}; holds this exact name or pattern, or a pattern that matches it; each key has exactly this value`,
      async run(lab) {
        const events = [['*'], ['order.*'], ['user.made', 'order.paid'], ['user.*'], ['order', 'Order.paid']]
        const labels = [
          { plan: 'pro', area: 'eu' },
          { plan: 'pro' },
          { plan: 'Pro', area: '' },
          { area: 'eu' },
        ]
        const states = ['active', 'paused', 'disabled'] as const
        const rows: SubscriptionRecord[] = []
        for (const tenantId of LISTED)
          for (const name of NAMES) {
            const turn = rows.length
            rows.push(
              await lab.subscribe({
                ...{ tenantId, id: `${name}-${turn}`, metadata: labels[turn % 4] ?? {} },
                ...{ events: events[turn % 5] ?? ['*'], state: states[turn % 3] ?? 'active' },
              }),
            )
          }
        await askAll<SubscriptionRecord>({
          list: (filter, page) => lab.store.listSubscriptions(filter, page),
          ...{ rows, at: ({ createdAt }) => createdAt, key: ({ id }) => id },
          fits: {
            state: isField(({ state }) => state),
            eventType: (row, type) => row.events.some((one) => one === type || matchesPattern(one, type)),
            metadata: ({ metadata }, wanted) =>
              Object.entries(wanted).every(([key, value]) => metadata[key] === value),
          },
          values: {
            state: states,
            eventType: ['order.paid', 'user.made', '*', 'order.*', 'order', 'none'],
            metadata: [
              { plan: 'pro' },
              { area: 'eu', plan: 'pro' },
              {},
              { area: '' },
              { none: '' },
              { plan: 'p' },
            ],
          },
        })
      },
    },
    {
      name: 'jobs are listed by what was asked, and by nothing else',
      must: 'by (addedAt, number); the job’s field state is exactly this text',
      async run({ store }) {
        const rows: StoredJob[] = []
        for (let turn = 0; turn < 24; turn++) {
          const tenantId = LISTED[turn % LISTED.length] ?? ''
          const state = ['running', 'failed', 'Running', 'run'][turn % 4] ?? ''
          const job = await store.getJob(tenantId, await store.addJob(tenantId, { kind: 'x', state, turn }))
          if (job !== null) rows.push(job)
        }
        await askAll<StoredJob>({
          list: (filter, page) => store.listJobs(filter, page),
          ...{ rows, at: ({ addedAt }) => addedAt, key: ({ number }) => number },
          fits: { state: isField(({ job }) => job.state) },
          values: { state: ['running', 'failed', 'run', 'stopped'] },
        })
      },
    },
  ],
}
