/** Shapes of the rows in memory, and small steps over them. */
import type { JsonObject, Trigger } from '../../model.ts'
import type { Claim, EventRecord } from '../../records.ts'
import { SUSPECT } from '../suspect.ts'
import { Heap } from './heap.ts'
import { type Lane, type QueueRow, type State, type Task, type Tenant, wake } from './state.ts'

const NO_JOB: JsonObject = Object.freeze({})

/** What a new queue row needs. */
export interface NewRow {
  readonly tenant: Tenant
  readonly task: Task
  /** Null for a job. */
  readonly event: EventRecord | null
  readonly dueAt: number
  readonly trigger?: Trigger
  readonly job?: JsonObject
  readonly held?: boolean
}

/** Adds an unclaimed row. */
export function addRow(state: State, input: NewRow): QueueRow {
  const row = createRow(state, input)
  insert(state, row)
  place(state, row)
  return row
}

/** Adds a row that is claimed from the start. */
export function addClaimedRow(
  state: State,
  input: NewRow,
  lease: { readonly token: string; readonly until: number },
): QueueRow {
  const row = createRow(state, input)
  insert(state, row)
  takeRow(row, { token: lease.token, until: lease.until, alone: false })
  place(state, row)
  return row
}

function insert(state: State, row: QueueRow): void {
  state.rows.set(row.id, row)
  row.lane.rows.add(row)
  if (row.task.kind === 'delivery') row.tenant.rowOfDelivery.set(row.task.deliveryId, row)
  if (row.task.kind === 'event') row.tenant.eventRows.add(row)
}

function createRow(state: State, { tenant, task, event, dueAt, trigger, job, held }: NewRow): QueueRow {
  state.counters.row += 1
  const number = state.counters.row
  const position = { dueAt: event?.dueAt ?? dueAt, sequence: event?.sequence ?? number }
  return {
    id: String(number),
    tenant,
    lane: laneOf(tenant, task.kind === 'delivery' ? task.subscriptionId : null),
    task,
    position,
    orderingKey: event?.orderingKey ?? null,
    at: dueAt,
    tie: position.sequence,
    slot: -1,
    heap: null,
    job: job ?? NO_JOB,
    trigger: trigger ?? 'event',
    dueAt,
    held: held ?? false,
    released: false,
    inOrder: trigger !== 'manual',
    token: null,
    leaseUntil: 0,
    resumed: false,
    claims: 0,
    lostAlone: 0,
    before: { claims: 0, lostAlone: 0 },
  }
}

function laneOf(tenant: Tenant, subscriptionId: string | null): Lane {
  const known = tenant.lanes.get(subscriptionId)
  if (known !== undefined) return known
  const lane: Lane = {
    tenant,
    subscriptionId,
    rows: new Set(),
    due: new Heap(),
    held: new Heap(),
    released: 0,
    at: 0,
    tie: tenant.lanes.size,
    slot: -1,
  }
  tenant.lanes.set(subscriptionId, lane)
  return lane
}

/** Removes a row for good; its claim is lost. */
export function removeRow(state: State, row: QueueRow): void {
  unplace(state, row)
  setReleased(row, false)
  state.rows.delete(row.id)
  row.lane.rows.delete(row)
  row.tenant.eventRows.delete(row)
  if (row.task.kind === 'delivery') row.tenant.rowOfDelivery.delete(row.task.deliveryId)
}

/** Frees the row of its claim and makes it due at this instant. */
export function dueRow(state: State, row: QueueRow, dueAt: number): void {
  row.held = false
  row.token = null
  row.dueAt = dueAt
  place(state, row)
}

/** Frees the row of its claim and holds it until `release`. */
export function holdRow(state: State, row: QueueRow): void {
  row.held = true
  row.token = null
  setReleased(row, false)
  place(state, row)
}

/** Says why its next attempt is made; by hand means outside the order, for good. */
export function setTrigger(row: QueueRow, trigger: Trigger): void {
  row.trigger = trigger
  if (trigger === 'manual') row.inOrder = false
}

/** Keeps the count of taken slots. */
export function setReleased(row: QueueRow, released: boolean): void {
  if (row.released === released) return
  row.released = released
  row.lane.released += released ? 1 : -1
}

/** Leases the row and counts the claim as lost until an outcome clears it; `place` it afterwards. */
export function takeRow(
  row: QueueRow,
  lease: { readonly token: string; readonly until: number; readonly alone: boolean },
): void {
  row.before = { claims: row.claims, lostAlone: row.lostAlone }
  row.token = lease.token
  row.leaseUntil = lease.until
  row.claims += 1
  if (lease.alone) row.lostAlone += 1
}

/** Forgets lost claims: an outcome was recorded. The present claim counts as long as it lasts. */
export function clearLostClaims(state: State, row: QueueRow): void {
  const suspect = row.claims >= SUSPECT
  row.claims -= row.before.claims
  row.lostAlone -= row.before.lostAlone
  row.before = { claims: 0, lostAlone: 0 }
  if (suspect) place(state, row)
}

/** No claim of the row counts any more: an outcome of its delivery was recorded. `place` it afterwards. */
export function endClaim(row: QueueRow): void {
  row.claims = 0
  row.lostAlone = 0
  row.before = { claims: 0, lostAlone: 0 }
}

/** The row that the claim still holds; undefined when the claim was lost. */
export function claimedRow(state: State, claim: Claim): QueueRow | undefined {
  const row = state.rows.get(claim.row)
  return row?.token === claim.token ? row : undefined
}

/** True when nobody works on the row: unclaimed, or its lease is over. */
export function isFree(row: QueueRow, now: number): boolean {
  return row.token === null || row.leaseUntil <= now
}

/** Puts the row into the heap where it belongs by now, and wakes the workers if it is due. */
export function place(state: State, row: QueueRow): void {
  putBack(state, row)
  if (!row.held && row.token === null && row.dueAt <= state.clock.now()) wake(state)
}

/** The same without waking anybody. */
export function putBack(state: State, row: QueueRow): void {
  const heap = heapOf(state, row)
  if (row.heap !== heap) unplace(state, row)
  row.at = row.held ? row.position.dueAt : row.token === null ? row.dueAt : row.leaseUntil
  row.heap = heap
  heap.put(row)
  if (heap === row.lane.due) settleLane(state, row.lane)
}

/** Takes the row out of its heap. */
export function unplace(state: State, row: QueueRow): void {
  const heap = row.heap
  if (heap === null) return
  heap.remove(row)
  row.heap = null
  if (heap === row.lane.due) settleLane(state, row.lane)
}

function heapOf(state: State, row: QueueRow): Heap<QueueRow> {
  if (row.held) return row.lane.held
  return row.claims >= SUSPECT ? state.suspects : row.lane.due
}

/** Moves the lane among its tenant's, and the tenant among all, after the lane's first row may have changed. */
export function settleLane(state: State, lane: Lane): void {
  const tenant = lane.tenant
  const top = lane.due.top
  if (top === undefined) tenant.ready.remove(lane)
  else if (lane.slot < 0 || lane.at !== top.at) {
    lane.at = top.at
    tenant.ready.put(lane)
  }
  settleTenant(state, tenant)
}

/** Moves the tenant among all after its first lane may have changed. */
export function settleTenant(state: State, tenant: Tenant): void {
  const top = tenant.ready.top
  if (top === undefined) state.ready.remove(tenant)
  else if (tenant.slot < 0 || tenant.at !== top.at) {
    tenant.at = top.at
    state.ready.put(tenant)
  }
}
