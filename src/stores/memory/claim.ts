/** Claims due rows: round the tenants in turn, within shares, suspects alone. */
import type { Claimed, ClaimRequest } from '../../queries.ts'
import type { Work } from '../../records.ts'
import { place, putBack, settleLane, settleTenant, takeRow, unplace } from './rows.ts'
import type { Lane, QueueRow, State, Tenant } from './state.ts'

/** `Store.claim`. */
export function claim(state: State, request: ClaimRequest): Claimed {
  const now = state.clock.now()
  const taken = request.alone ? takeSuspect(state, request, now) : takeDue(state, request, now)
  const nextDueAt = earliestLeft(state, request)
  const lease = { token: request.token, until: now + request.leaseMs, alone: request.alone }
  const work = byTenant(taken).flatMap((row) => leased(state, row, lease))
  return Object.freeze({
    work,
    now,
    versions: new Map(taken.map((row) => [row.tenant.id, row.tenant.version])),
    suspects: state.suspects.until(now).some((row) => inBuckets(row.tenant, request)),
    nextDueAt,
  })
}

function leased(state: State, row: QueueRow, lease: Parameters<typeof takeRow>[1]): Work[] {
  takeRow(row, lease)
  place(state, row)
  const work = workOf(row)
  row.resumed = true
  return work === null ? [] : [work]
}

/** Rows of a tenant in the order of their due times. */
function byTenant(rows: readonly QueueRow[]): readonly QueueRow[] {
  return [...rows].sort((a, b) => a.dueAt - b.dueAt || a.tie - b.tie)
}

function inBuckets(tenant: Tenant, { buckets }: ClaimRequest): boolean {
  return buckets === undefined || (tenant.bucket >= buckets.from && tenant.bucket <= buckets.to)
}

function shareOf(lane: Lane, request: ClaimRequest): number {
  if (lane.subscriptionId === null) return Number.POSITIVE_INFINITY
  return request.shares.get(lane.subscriptionId) ?? request.perSubscription
}

function takeSuspect(state: State, request: ClaimRequest, now: number): QueueRow[] {
  const [first] = state.suspects
    .until(now)
    .filter((row) => inBuckets(row.tenant, request) && shareOf(row.lane, request) > 0)
    .sort((a, b) => a.at - b.at || a.tie - b.tie)
  if (first === undefined || request.limit < 1) return []
  unplace(state, first)
  return [first]
}

/** Goes round the due tenants, the one served longest ago first, a row each; `perTenant` binds in the first pass only. */
function takeDue(state: State, request: ClaimRequest, now: number): QueueRow[] {
  const tenants = state.ready
    .until(now)
    .filter((tenant) => inBuckets(tenant, request))
    .sort((a, b) => a.turn - b.turn || a.at - b.at || a.tie - b.tie)
  const taken: QueueRow[] = []
  const shares = new Map<Lane, number>()
  const setAside: Lane[] = []
  const lost = { left: request.lostOnce ?? Number.POSITIVE_INFINITY, passed: [] as QueueRow[] }
  const takeOne = (tenant: Tenant): boolean => {
    const row = nextRow(state, tenant, { now, request, shares, setAside, lost })
    if (row === null) return false
    state.counters.turn += 1
    tenant.turn = state.counters.turn
    taken.push(row)
    return true
  }
  const capped = goRound(tenants, takeOne, {
    rounds: request.perTenant,
    full: () => taken.length >= request.limit,
  })
  goRound(capped, takeOne, { rounds: Number.POSITIVE_INFINITY, full: () => taken.length >= request.limit })
  for (const row of lost.passed) putBack(state, row)
  for (const lane of setAside) settleLane(state, lane)
  return taken
}

/** Takes in turns until all are empty, the rounds are over or it is full; returns who may have more. */
function goRound(
  tenants: readonly Tenant[],
  takeOne: (tenant: Tenant) => boolean,
  until: { readonly rounds: number; readonly full: () => boolean },
): readonly Tenant[] {
  let left = tenants
  for (let round = 0; round < until.rounds && left.length > 0 && !until.full(); round += 1) {
    left = left.filter((tenant) => !until.full() && takeOne(tenant))
  }
  return left
}

interface Taking {
  readonly now: number
  readonly request: ClaimRequest
  readonly shares: Map<Lane, number>
  readonly setAside: Lane[]
  /** How many rows that have lost a claim may be taken yet, and those that were passed over. */
  readonly lost: { left: number; readonly passed: QueueRow[] }
}

/** Takes the tenant's next due row; lanes whose share is used up are set aside until the claim is over. */
function nextRow(
  state: State,
  tenant: Tenant,
  { now, request, shares, setAside, lost }: Taking,
): QueueRow | null {
  for (let lane = tenant.ready.top; lane !== undefined && lane.at <= now; lane = tenant.ready.top) {
    const share = shares.get(lane) ?? shareOf(lane, request)
    const row = lane.due.top
    if (share >= 1 && row !== undefined) {
      unplace(state, row)
      if (row.claims > 0 && lost.left < 1) {
        lost.passed.push(row)
        continue
      }
      if (row.claims > 0) lost.left -= 1
      shares.set(lane, share - 1)
      return row
    }
    tenant.ready.remove(lane)
    settleTenant(state, tenant)
    setAside.push(lane)
  }
  return null
}

/** The earliest due time or lease end in the request's buckets; called while the taken rows are out of the heaps. */
function earliestLeft(state: State, request: ClaimRequest): number | null {
  const firsts =
    request.buckets === undefined
      ? [state.ready.top, state.suspects.top]
      : [
          ...state.ready.values().filter((tenant) => inBuckets(tenant, request)),
          ...state.suspects.values().filter((row) => inBuckets(row.tenant, request)),
        ]
  const earliest = firsts.reduce(
    (least, item) => Math.min(least, item?.at ?? least),
    Number.POSITIVE_INFINITY,
  )
  return earliest === Number.POSITIVE_INFINITY ? null : earliest
}

/** What the worker gets for a row that was just taken. */
export function workOf(row: QueueRow): Work | null {
  const { tenant, task, leaseUntil, resumed, before } = row
  const base = {
    claim: Object.freeze({ row: row.id, token: row.token ?? '' }),
    tenantId: tenant.id,
    leaseUntil,
    lostClaims: before.claims,
    lostAlone: before.lostAlone,
    resumed,
  }
  if (task.kind === 'job') return Object.freeze({ kind: 'job', job: row.job, ...base })
  const event = tenant.events.get(task.eventId)
  if (event === undefined) return null
  if (task.kind === 'event') {
    return Object.freeze({ kind: 'event', event, after: task.after, upTo: task.upTo, ...base })
  }
  const delivery = tenant.deliveries.get(task.deliveryId)
  if (delivery === undefined) return null
  const { trigger, released } = row
  return Object.freeze({ kind: 'delivery', event, delivery, trigger, released, ...base })
}
