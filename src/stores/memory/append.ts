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
  return stageAll(state, [], events).map(({ event, staged }) => {
    if (staged === null) return { event, duplicate: true, work: null }
    const claim = room > 0 && event.dueAt <= state.clock.now() ? lease : undefined
    const work = insertEvent(state, staged, claim)
    if (work !== null) room -= 1
    return { event, duplicate: false, work }
  })
}

function appendStaged(state: State, own: StagedEvent[], events: readonly NewEvent[]): Appended[] {
  const entries = stageAll(state, own, events)
  own.push(...entries.flatMap(({ staged }) => staged ?? []))
  return entries.map(({ event, staged }) => ({ event, duplicate: staged === null, work: null }))
}

/** Stores what a transaction staged. All or nothing: an id or key that was taken meanwhile fails the transaction. */
export function commitStaged(state: State, staged: readonly StagedEvent[]): void {
  const none = indexOf([])
  const taken = staged.find(({ event }) => findFirst(state, event, none) !== undefined)
  if (taken !== undefined) {
    throw new PosthornError(
      'CONFLICT',
      `The transaction cannot commit: its event ${taken.event.id}, or one with the same idempotencyKey, was published elsewhere while it was open. Nothing of it was stored: run it again.`,
    )
  }
  for (const one of staged) refuseTaken(state, one, none)
  for (const one of staged) insertEvent(state, one, undefined)
}

/** What the calls before, and the events before in this call, have staged. Keys are texts of (tenant, id or key). */
interface StagedIndex {
  readonly byId: Map<string, EventRecord>
  readonly byKey: Map<string, EventRecord>
  readonly deliveries: Set<string>
}

const name = (tenantId: string, id: string): string => JSON.stringify([tenantId, id])

function indexOf(staged: readonly StagedEvent[]): StagedIndex {
  const index: StagedIndex = { byId: new Map(), byKey: new Map(), deliveries: new Set() }
  for (const one of staged) enter(index, one)
  return index
}

function enter({ byId, byKey, deliveries }: StagedIndex, { event, addressee }: StagedEvent): void {
  const { tenantId, id, idempotencyKey } = event
  byId.set(name(tenantId, id), event)
  if (idempotencyKey !== null) byKey.set(name(tenantId, idempotencyKey), event)
  if (addressee !== undefined && !event.skipped) deliveries.add(name(tenantId, addressee.id))
}

/** Each event with what is to be stored of it, null where it is a duplicate. Nothing is stored yet: it may throw half-way. */
function stageAll(
  state: State,
  own: readonly StagedEvent[],
  events: readonly NewEvent[],
): readonly { readonly event: EventRecord; readonly staged: StagedEvent | null }[] {
  const index = indexOf(own)
  return events.map((input) => {
    const first = findFirst(state, input, index)
    if (first !== undefined) return { event: first, staged: null }
    const staged = stage(state, input)
    refuseTaken(state, staged, index)
    enter(index, staged)
    return { event: staged.event, staged }
  })
}

/** An id of a delivery is never given twice. */
function refuseTaken(state: State, { event, addressee }: StagedEvent, { deliveries }: StagedIndex): void {
  if (addressee === undefined || event.skipped) return
  const { tenantId } = event
  const isStored = state.tenants.get(tenantId)?.deliveries.has(addressee.id) === true
  if (!isStored && !deliveries.has(name(tenantId, addressee.id))) return
  throw new PosthornError(
    'CONFLICT',
    `The delivery id ${addressee.id} of an addressee is taken. Nothing was stored: publish with a fresh one.`,
  )
}

type Identity = Pick<EventRecord, 'tenantId' | 'id' | 'idempotencyKey'>

/** The event of this idempotency key, or else of this id: a stored one, or one that is staged. */
function findFirst(
  state: State,
  { tenantId, id, idempotencyKey }: Identity,
  { byId, byKey }: StagedIndex,
): EventRecord | undefined {
  const tenant = state.tenants.get(tenantId)
  if (idempotencyKey !== null) {
    const keyed = tenant?.eventOfKey.get(idempotencyKey)
    const stored = keyed === undefined ? undefined : tenant?.events.get(keyed)
    const first = stored ?? byKey.get(name(tenantId, idempotencyKey))
    if (first !== undefined) return first
  }
  return tenant?.events.get(id) ?? byId.get(name(tenantId, id))
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
