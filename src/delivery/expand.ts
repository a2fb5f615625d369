/**
 * From a claimed queue row to tasks: fan-out happens here, in memory. Deliveries that are not to be sent now
 * (held, expired, quarantined) come out as outcomes instead; a very large fan-out is split into ranges.
 */
import { PosthornError } from '../errors.ts'
import { isKnownDeliveryState } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../queries.ts'
import type { DeliveryWork, EventRecord, EventWork, NewDelivery, SubscriptionRecord } from '../records.ts'
import { destinationContext } from '../sealing.ts'
import { outcomeOf } from './deliver.ts'
import { destinationFrom } from './destination-text.ts'
import { insteadOfSending } from './hold.ts'
import { makingMs } from './lease-time.ts'
import { match, type TenantView, type TenantViews } from './match.ts'
import { newDelivery } from './new-delivery.ts'
import { shapes, UNSHAPED } from './shape.ts'
import { shapeTasks } from './shape-tasks.ts'
import type { Target, Task, TaskGroup } from './task.ts'
import { within } from './within.ts'

/** More matches than this are split into ranges, so that any worker can take a part. */
export const SPLIT_ABOVE = 500
/** How soon a row is looked at again that is in a state of a newer version. */
const UNKNOWN_MS = 60_000
const encoder = new TextEncoder()

/** An outcome without a request, and whose it is. */
export interface Settled {
  readonly outcome: Outcome
  readonly subscription: SubscriptionRecord | null
}

/** What a claimed row came to. */
export interface Expanded {
  readonly group: TaskGroup
  readonly tasks: readonly Task[]
  /** To be recorded without a request. */
  readonly settled: readonly Settled[]
  /** True when the tenant has ordered subscriptions: once what is settled is recorded, the event must not stay in their way. */
  readonly ordered: boolean
  /** When set, the row was split into these ranges instead. */
  readonly ranges: readonly { readonly after: string | null; readonly upTo: string | null }[] | null
}

/**
 * Expands one row. `version` is the tenant's subscription version that came with the claim. No promise for a fresh event of a
 * known tenant: most are.
 */
export function expand(
  work: EventWork | DeliveryWork,
  version: number,
  leaseEnds: number,
  now: number,
  parts: Parts,
  views: TenantViews,
): Expanded | Promise<Expanded> {
  const group: TaskGroup = {
    work,
    leaseEnds,
    open: 0,
    unfinished: false,
    abandoned: false,
    finished: false,
    againMs: 0,
  }
  const view = views.at(work.tenantId, version)
  const expandIn =
    work.kind === 'event'
      ? (known: TenantView) => expandEvent(group, work, known, now, parts)
      : (known: TenantView) => expandDelivery(group, work, known, now, parts)
  return view instanceof Promise ? view.then(expandIn) : expandIn(view)
}

async function expandDelivery(
  group: TaskGroup,
  work: DeliveryWork,
  view: TenantView,
  now: number,
  parts: Parts,
): Promise<Expanded> {
  const { subscriptionId, state } = work.delivery
  if (!isKnownDeliveryState(state)) return leftAlone(group, work, parts)
  const subscription = subscriptionId === null ? null : view.byId.get(subscriptionId)
  const target = await targetOf(work, subscription, parts)
  return sort(group, [deliveryTask(group, work, target)], now, parts, false)
}

/** Nothing is sent and nothing recorded: its row goes back to the queue, where a newer version finds it. */
function leftAlone(group: TaskGroup, { delivery: { id, state } }: DeliveryWork, parts: Parts): Expanded {
  const message = `The delivery ${id} is in a state that this version does not know ("${state.slice(0, 64)}"), most likely of a newer version; it is left alone.`
  parts.report.problem('expand', new PosthornError('STORE_FAILED', message))
  group.unfinished = true
  group.againMs = UNKNOWN_MS
  return { group, tasks: [], settled: [], ordered: false, ranges: null }
}

function expandEvent(
  group: TaskGroup,
  work: EventWork,
  view: TenantView,
  now: number,
  parts: Parts,
): Expanded | Promise<Expanded> {
  const matches = match(view, work.event, work)
  if (matches.length > SPLIT_ABOVE)
    return { group, tasks: [], settled: [], ordered: false, ranges: rangesOf(work, matches) }
  if (work.resumed) return expandAgain(group, work, view, matches, now, parts)
  const tasks = eventTasks(group, work, matches, parts)
  return shapes(parts)
    ? shapedTasks(group, tasks, view, now, parts)
    : sort(group, tasks, now, parts, view.ordered)
}

/** It was claimed before: parts of it may be recorded. */
async function expandAgain(
  group: TaskGroup,
  work: EventWork,
  view: TenantView,
  matches: readonly SubscriptionRecord[],
  now: number,
  parts: Parts,
): Promise<Expanded> {
  const recorded = new Set(await parts.store.expanded(work.tenantId, work.event.id, work))
  const owed = matches.filter((subscription) => !recorded.has(subscription.id))
  const tasks = eventTasks(group, work, owed, parts)
  return shapes(parts)
    ? shapedTasks(group, tasks, view, now, parts)
    : sort(group, tasks, now, parts, view.ordered)
}

async function shapedTasks(
  group: TaskGroup,
  tasks: readonly Task[],
  view: TenantView,
  now: number,
  parts: Parts,
): Promise<Expanded> {
  const isOwed = (task: Task) => ['held', undefined].includes(insteadOfSending(task, now, parts)?.state)
  const { shaped, dropped } = await shapeTasks(group, tasks.filter(isOwed), parts)
  const ended = tasks.filter((task) => !isOwed(task))
  // What could not be shaped keeps its place in the order until it can.
  const sorted = sort(group, [...shaped, ...ended], now, parts, view.ordered && !group.unfinished)
  return { ...sorted, settled: [...sorted.settled, ...dropped.map(cancelled)] }
}

/** The host's transform wants nothing sent to it. */
function cancelled(task: Task): Settled {
  return { outcome: outcomeOf(task, null, { state: 'cancelled' }), subscription: task.target.subscription }
}

/** Puts aside what must not be sent now. */
function sort(group: TaskGroup, all: readonly Task[], now: number, parts: Parts, ordered: boolean): Expanded {
  const tasks: Task[] = []
  const settled: Settled[] = []
  for (const task of all) {
    const next = insteadOfSending(task, now, parts)
    if (next === null) tasks.push(task)
    else settled.push({ outcome: outcomeOf(task, null, next), subscription: task.target.subscription })
  }
  group.open = tasks.length
  return { group, tasks, settled, ordered, ranges: null }
}

/** Of events in memory: deliveries of one that were claimed together share it. */
const encoded = new WeakMap<EventRecord, Uint8Array>()

function bytesOf(event: EventRecord): Uint8Array {
  const known = encoded.get(event)
  if (known !== undefined) return known
  const bytes = encoder.encode(event.body ?? '')
  encoded.set(event, bytes)
  return bytes
}

function eventTasks(
  group: TaskGroup,
  work: EventWork,
  owed: readonly SubscriptionRecord[],
  parts: Parts,
): Task[] {
  const body = bytesOf(work.event)
  return owed.map((subscription) => eventTask(group, work, subscription, body, parts))
}

function eventTask(
  group: TaskGroup,
  work: EventWork,
  subscription: SubscriptionRecord,
  body: Uint8Array,
  parts: Parts,
): Task {
  const delivery = newDelivery(work.event, subscription, UNSHAPED, parts)
  const target = { url: subscription.url, origin: originOf(subscription.url), subscription }
  return {
    group,
    event: work.event,
    body,
    target,
    lane: subscription.id,
    delivery,
    stored: null,
    trigger: 'event',
  }
}

function deliveryTask(group: TaskGroup, work: DeliveryWork, target: Target): Task {
  const { delivery: stored, event } = work
  const delivery: NewDelivery = {
    id: stored.id,
    subscriptionId: stored.subscriptionId,
    destination: stored.destination,
    body: stored.body,
    headers: stored.headers,
    test: stored.test,
    maxAgeMs: stored.expiresAt - event.dueAt,
  }
  const body = stored.body === null ? bytesOf(event) : encoder.encode(stored.body)
  const lane = stored.subscriptionId ?? target.origin
  return { group, event, body, target, lane, delivery, stored, trigger: work.trigger }
}

async function targetOf(
  work: DeliveryWork,
  subscription: SubscriptionRecord | null | undefined,
  parts: Parts,
): Promise<Target> {
  if (subscription !== null && subscription !== undefined) {
    return { url: subscription.url, origin: originOf(subscription.url), subscription }
  }
  if (work.delivery.destination === null) return { url: '', origin: '', subscription: null }
  try {
    const opening = parts.sealer.open(work.delivery.destination, destinationContext(work.tenantId))
    const opened =
      typeof opening === 'string' ? opening : await within(opening, makingMs(parts), parts.clock, '`secrets`')
    const { url } = destinationFrom(opened)
    return { url, origin: originOf(url), subscription: null }
  } catch {
    return { url: '', origin: '', subscription: null }
  }
}

/** Scheme, host and port; the whole text where it is no URL (the transport will refuse it). */
function originOf(url: string): string {
  const end = url.indexOf('/', url.indexOf('://') + 3)
  return end === -1 ? url : url.slice(0, end)
}

function rangesOf(work: EventWork, matches: readonly SubscriptionRecord[]) {
  const ranges: { after: string | null; upTo: string | null }[] = []
  let after = work.after
  for (let index = SPLIT_ABOVE - 1; index < matches.length - 1; index += SPLIT_ABOVE) {
    const upTo = matches[index]?.id ?? null
    ranges.push({ after, upTo })
    after = upTo
  }
  ranges.push({ after, upTo: work.upTo })
  return ranges
}
