/** Appends events: the first of two with the same id or key wins, and queue rows come with them. */
import { PosthornError } from '../../errors.ts'
import type { Appended, AppendOptions } from '../../queries.ts'
import type { EventRecord, NewEvent, Work } from '../../records.ts'
import { eventRecord } from '../event.ts'
import { workOf } from './claim.ts'
import { changeDelivery, insertDelivery } from './deliveries.ts'
import { addClaimedRow, addRow, type NewRow } from './rows.ts'
import { type State, stamp, tenantOf } from './state.ts'
import type { MemoryTransaction, Transactions } from './transactions.ts'
import { frozenCopy } from './values.ts'

type Answer = { readonly appended: readonly Appended[]; readonly versions: ReadonlyMap<string, number> }
type Lease = NonNullable<AppendOptions<never>['claim']>

/** An event that was given its instants and its position, but is not in the store yet. */
export interface StagedEvent {
  readonly event: EventRecord
  readonly addressee: NewEvent['addressee']
}

/** `Store.append`. */
export function append(
  state: State,
  transactions: Transactions,
  events: readonly NewEvent[],
  options: AppendOptions<MemoryTransaction> = {},
): Answer {
  const appended =
    options.tx === undefined
      ? appendNow(state, events, options.claim)
      : appendStaged(state, transactions.staged(options.tx), events)
  const versions = new Map<string, number>()
  for (const { tenantId } of events) versions.set(tenantId, state.tenants.get(tenantId)?.version ?? 0)
  return { appended, versions }
}

function appendNow(state: State, events: readonly NewEvent[], lease: Lease | undefined): Appended[] {
  let room = lease?.room ?? 0
  return events.map((input) => {
    const first = findFirst(state, input)
    if (first !== undefined) return { event: first, duplicate: true, work: null }
    const staged = stage(state, input)
    const claim = room > 0 && staged.event.dueAt <= state.clock.now() ? lease : undefined
    const work = insertEvent(state, staged, claim)
    if (work !== null) room -= 1
    return { event: staged.event, duplicate: false, work }
  })
}

function appendStaged(state: State, own: StagedEvent[], events: readonly NewEvent[]): Appended[] {
  return events.map((input) => {
    const first = findFirst(state, input) ?? findStaged(own, input)
    if (first !== undefined) return { event: first, duplicate: true, work: null }
    const staged = stage(state, input)
    own.push(staged)
    return { event: staged.event, duplicate: false, work: null }
  })
}

/** Stores what a transaction staged. All or nothing: an id or key that was taken meanwhile fails the transaction. */
export function commitStaged(state: State, staged: readonly StagedEvent[]): void {
  const taken = staged.find(({ event }) => findFirst(state, event) !== undefined)
  if (taken !== undefined) {
    throw new PosthornError(
      'CONFLICT',
      `The transaction cannot commit: its event ${taken.event.id}, or one with the same idempotencyKey, was published elsewhere while it was open. Nothing of it was stored: run it again.`,
    )
  }
  for (const one of staged) insertEvent(state, one, undefined)
}

type Identity = Pick<EventRecord, 'tenantId' | 'id' | 'idempotencyKey'>

/** The stored event of this idempotency key, or else of this id. */
function findFirst(state: State, { tenantId, id, idempotencyKey }: Identity): EventRecord | undefined {
  const tenant = state.tenants.get(tenantId)
  if (tenant === undefined) return undefined
  const keyed = idempotencyKey === null ? undefined : tenant.eventOfKey.get(idempotencyKey)
  return tenant.events.get(keyed ?? id)
}

function findStaged(
  own: readonly StagedEvent[],
  { tenantId, id, idempotencyKey }: Identity,
): EventRecord | undefined {
  const mine = own.map(({ event }) => event).filter((event) => event.tenantId === tenantId)
  const keyed = mine.find((event) => idempotencyKey !== null && event.idempotencyKey === idempotencyKey)
  return keyed ?? mine.find((event) => event.id === id)
}

function stage(state: State, input: NewEvent): StagedEvent {
  const now = state.clock.now()
  const publishedAt = stamp(state)
  const asked = input.dueAt ?? now + (input.delayMs ?? 0)
  state.counters.sequence += 1
  const given = {
    publishedAt,
    dueAt: asked <= now ? now : Math.max(asked, publishedAt),
    sequence: state.counters.sequence,
  }
  const event = eventRecord(input, frozenCopy(input.metadata), frozenCopy(input.settings), given)
  return { event: Object.freeze(event), addressee: frozenCopy(input.addressee) }
}

function insertEvent(state: State, { event, addressee }: StagedEvent, lease: Lease | undefined): Work | null {
  const tenant = tenantOf(state, event.tenantId)
  tenant.events.set(event.id, event)
  if (event.idempotencyKey !== null) tenant.eventOfKey.set(event.idempotencyKey, event.id)
  if (event.skipped) return null
  const { dueAt } = event
  if (addressee === undefined) {
    const task = { kind: 'event', eventId: event.id, after: null, upTo: null } as const
    return enqueue(state, { tenant, event, dueAt, task }, lease)
  }
  const delivery = insertDelivery(state, tenant, event, addressee)
  changeDelivery(tenant, delivery, { nextAttemptAt: dueAt })
  const { id: deliveryId, subscriptionId } = addressee
  const task = { kind: 'delivery', eventId: event.id, deliveryId, subscriptionId } as const
  return enqueue(state, { tenant, event, dueAt, task }, lease)
}

function enqueue(state: State, row: NewRow, lease: Lease | undefined): Work | null {
  if (lease === undefined) {
    addRow(state, row)
    return null
  }
  const until = state.clock.now() + lease.leaseMs
  const claimed = addClaimedRow(state, row, { token: lease.token, until })
  const work = workOf(claimed)
  claimed.resumed = true
  return work
}
