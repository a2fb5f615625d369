/** All tables of one memory store. No module-level state: two stores never meet. */
import type { Clock } from '../../clock.ts'
import type { TenantFilter } from '../../lists.ts'
import { anyTenant, type JsonObject, type TenantScope, type Trigger } from '../../model.ts'
import { tenantBucket } from '../../patterns.ts'
import type {
  AttemptRecord,
  DeliveryRecord,
  EventRecord,
  RollupRecord,
  SubscriptionRecord,
} from '../../records.ts'
import { Heap, type HeapItem } from './heap.ts'

/** What a queue row stands for. */
export type Task =
  | {
      readonly kind: 'event'
      readonly eventId: string
      readonly after: string | null
      readonly upTo: string | null
    }
  | {
      readonly kind: 'delivery'
      readonly eventId: string
      readonly deliveryId: string
      readonly subscriptionId: string | null
    }
  | { readonly kind: 'job' }

/** A queue row. Changed in place and never handed out; `at` and `tie` order it in the heap that it is in. */
export interface QueueRow extends HeapItem {
  readonly id: string
  readonly tenant: Tenant
  readonly lane: Lane
  readonly task: Task
  /** The event's position: its dueAt, then its sequence. */
  readonly position: { readonly dueAt: number; readonly sequence: number }
  readonly orderingKey: string | null
  heap: Heap<QueueRow> | null
  job: JsonObject
  trigger: Trigger
  dueAt: number
  held: boolean
  /** Released, and neither ended, nor held again, nor recorded as pending since: takes a slot. */
  released: boolean
  /** False: it waits for nobody and blocks nobody. */
  inOrder: boolean
  token: string | null
  leaseUntil: number
  resumed: boolean
  /** Claims without an outcome, the present one included. */
  claims: number
  lostAlone: number
  /** The two counts before the present claim. */
  before: { readonly claims: number; readonly lostAlone: number }
}

/** The rows of one subscription of one tenant, or all of the tenant's that are no subscription's deliveries. */
export interface Lane extends HeapItem {
  readonly tenant: Tenant
  /** Null: events, jobs and one-use destinations. */
  readonly subscriptionId: string | null
  readonly rows: Set<QueueRow>
  readonly due: Heap<QueueRow>
  readonly held: Heap<QueueRow>
  released: number
}

/** A token bucket. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** Everything of one tenant. */
export interface Tenant extends HeapItem {
  readonly id: string
  readonly bucket: number
  /** 0 until it has a subscription. */
  version: number
  /** When `claim` last served it. */
  turn: number
  readonly subscriptions: Map<string, SubscriptionRecord>
  /** Subscription ids in byte order; null when it must be sorted anew. */
  sortedIds: readonly string[] | null
  readonly events: Map<string, EventRecord>
  readonly eventOfKey: Map<string, string>
  readonly deliveries: Map<string, DeliveryRecord>
  readonly deliveryOfNumber: Map<number, string>
  /** Event → subscription → delivery. */
  readonly deliveriesOfEvent: Map<string, Map<string | null, string>>
  readonly deliveriesOfSubscription: Map<string, Set<string>>
  readonly attempts: Map<string, AttemptRecord>
  readonly attemptsOfDelivery: Map<string, string[]>
  readonly rollups: Map<string, RollupRecord>
  readonly rowOfDelivery: Map<string, QueueRow>
  readonly eventRows: Set<QueueRow>
  readonly buckets: Map<string, Bucket>
  readonly lanes: Map<string | null, Lane>
  /** Lanes with rows to claim. */
  readonly ready: Heap<Lane>
}

/** The whole store. */
export interface State {
  readonly clock: Clock
  readonly tenants: Map<string, Tenant>
  readonly rows: Map<string, QueueRow>
  /** Tenants with rows to claim. */
  readonly ready: Heap<Tenant>
  /** Rows whose claims were lost at least twice, or will have been when the present lease ends. */
  readonly suspects: Heap<QueueRow>
  readonly listeners: Set<() => void>
  waking: boolean
  lastStamp: number
  counters: { version: number; turn: number; sequence: number; delivery: number; row: number; tenant: number }
}

export function createState(clock: Clock): State {
  return {
    clock,
    tenants: new Map(),
    rows: new Map(),
    ready: new Heap(),
    suspects: new Heap(),
    listeners: new Set(),
    waking: false,
    lastStamp: 0,
    counters: { version: 0, turn: 0, sequence: 0, delivery: 0, row: 0, tenant: 0 },
  }
}

/** An instant strictly after every one that was given before. */
export function stamp(state: State): number {
  state.lastStamp = Math.max(state.clock.now(), state.lastStamp + 0.001)
  return state.lastStamp
}

/** The tenant, made when it is new. */
export function tenantOf(state: State, id: string): Tenant {
  const known = state.tenants.get(id)
  if (known !== undefined) return known
  const tenant = createTenant(state, id)
  state.tenants.set(id, tenant)
  return tenant
}

function createTenant(state: State, id: string): Tenant {
  state.counters.tenant += 1
  return {
    id,
    bucket: tenantBucket(id),
    version: 0,
    turn: 0,
    at: 0,
    tie: state.counters.tenant,
    slot: -1,
    subscriptions: new Map(),
    sortedIds: null,
    events: new Map(),
    eventOfKey: new Map(),
    deliveries: new Map(),
    deliveryOfNumber: new Map(),
    deliveriesOfEvent: new Map(),
    deliveriesOfSubscription: new Map(),
    attempts: new Map(),
    attemptsOfDelivery: new Map(),
    rollups: new Map(),
    rowOfDelivery: new Map(),
    eventRows: new Set(),
    buckets: new Map(),
    lanes: new Map(),
    ready: new Heap(),
  }
}

/** Marks that the tenant's subscriptions changed. Versions are drawn from one counter, so an erased tenant's never return. */
export function bumpVersion(state: State, tenant: Tenant): void {
  state.counters.version += 1
  tenant.version = state.counters.version
}

/** The known tenants that a scope or filter names. */
export function tenantsIn(state: State, filter: TenantScope | TenantFilter): Tenant[] {
  if (filter === anyTenant) return [...state.tenants.values()]
  const ids = typeof filter === 'string' ? [filter] : [...new Set(filter as readonly string[])]
  return ids.flatMap((id) => state.tenants.get(id) ?? [])
}

/** Tells the listeners, once per turn, that work may be due. */
export function wake(state: State): void {
  if (state.waking || state.listeners.size === 0) return
  state.waking = true
  queueMicrotask(() => {
    state.waking = false
    for (const listener of [...state.listeners]) listener()
  })
}
