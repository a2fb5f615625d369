/** The rest of the queue: split, finish, hand back, and how much waits. */

import type { TenantFilter } from '../../lists.ts'
import type { JsonObject } from '../../model.ts'
import type { Claim } from '../../records.ts'
import { changeDelivery } from './deliveries.ts'
import { addRow, claimedRow, dueRow, removeRow } from './rows.ts'
import { type QueueRow, type State, tenantsIn } from './state.ts'
import { compareBytes, frozenCopy, inRange } from './values.ts'

type Range = { readonly after: string | null; readonly upTo: string | null }

/** `Store.expanded`. */
export function expanded(state: State, tenantId: string, eventId: string, range: Range): readonly string[] {
  const deliveries = state.tenants.get(tenantId)?.deliveriesOfEvent.get(eventId)
  return [...(deliveries?.keys() ?? [])]
    .filter((id): id is string => id !== null && inRange(id, range))
    .sort(compareBytes)
}

/** `Store.split`. */
export function split(state: State, claim: Claim, ranges: readonly Range[]): boolean {
  const row = claimedRow(state, claim)
  if (row?.task.kind !== 'event') return false
  const { eventId } = row.task
  const { tenant } = row
  const event = tenant.events.get(eventId)
  if (event === undefined) return false
  removeRow(state, row)
  const dueAt = state.clock.now()
  for (const { after, upTo } of ranges) {
    const part = addRow(state, { tenant, event, dueAt, task: { kind: 'event', eventId, after, upTo } })
    part.resumed = true
  }
  return true
}

/** `Store.leaveOrder`. */
export function leaveOrder(state: State, claims: readonly Claim[]): number {
  const rows = claims.flatMap((claim) => claimedRow(state, claim) ?? [])
  const events = rows.filter((row) => row.task.kind === 'event')
  for (const row of events) row.inOrder = false
  return events.length
}

/** `Store.finish`. */
export function finish(state: State, claims: readonly Claim[]): number {
  let removed = 0
  for (const claim of claims) {
    const row = claimedRow(state, claim)
    if (row === undefined || row.task.kind === 'delivery') continue
    removeRow(state, row)
    removed += 1
  }
  return removed
}

/** One entry of `Store.handBack`; true when the claim still held. */
export function handBack(
  state: State,
  entry: { readonly claim: Claim; readonly delayMs: number; readonly job?: JsonObject },
): boolean {
  const row = claimedRow(state, entry.claim)
  if (row === undefined) return false
  row.claims = row.before.claims
  row.lostAlone = row.before.lostAlone
  row.resumed = true
  if (entry.job !== undefined && row.task.kind === 'job') row.job = frozenCopy(entry.job)
  dueRow(state, row, state.clock.now() + entry.delayMs)
  showDueTime(row)
  return true
}

/** Copies what the row says about when it is due to its delivery. */
export function showDueTime(row: QueueRow): void {
  if (row.task.kind !== 'delivery') return
  const delivery = row.tenant.deliveries.get(row.task.deliveryId)
  if (delivery === undefined) return
  changeDelivery(row.tenant, delivery, { held: row.held, nextAttemptAt: row.held ? null : row.dueAt })
}

/** `Store.backlog`. Claimed rows count by their due time: they are not done yet. */
export function backlog(
  state: State,
  filter: { readonly tenant: TenantFilter; readonly subscriptionId?: string },
): { due: number; scheduled: number; held: number; oldestDueAt: number | null } {
  const now = state.clock.now()
  const count = { due: 0, scheduled: 0, held: 0, oldestDueAt: null as number | null }
  for (const tenant of tenantsIn(state, filter.tenant)) {
    for (const lane of tenant.lanes.values()) {
      if (filter.subscriptionId !== undefined && lane.subscriptionId !== filter.subscriptionId) continue
      for (const row of lane.rows) {
        if (row.held) count.held += 1
        else if (row.dueAt > now) count.scheduled += 1
        else {
          count.due += 1
          count.oldestDueAt = Math.min(count.oldestDueAt ?? row.dueAt, row.dueAt)
        }
      }
    }
  }
  return count
}
