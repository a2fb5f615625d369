/** Events of one call that name each other: by an id, or by a key of their tenant. */
import type { NewEvent } from '../../records.ts'

/** For each of the events at these indexes the index of the first one of them with its key or id. */
export function firstsOf(
  events: readonly NewEvent[],
  indexes: readonly number[],
): ReadonlyMap<number, number> {
  const byKey = new Map<string, number>()
  const byId = new Map<string, number>()
  const firsts = new Map<number, number>()
  for (const at of indexes) {
    const event = events[at]
    if (event === undefined) continue
    const { tenantId, id, idempotencyKey } = event
    const key = idempotencyKey === null ? null : JSON.stringify([tenantId, idempotencyKey])
    const name = JSON.stringify([tenantId, id])
    const first = (key === null ? undefined : byKey.get(key)) ?? byId.get(name) ?? at
    firsts.set(at, first)
    // A key of its own waits with it: whether it is stored with it is not known before the next turn.
    if (key !== null && !byKey.has(key)) byKey.set(key, at)
    if (first === at) byId.set(name, at)
  }
  return firsts
}

/** Whether no event of the call names another: one turn decides about all of them. */
export function areDistinct(events: readonly NewEvent[]): boolean {
  if (events.length === 1) return true
  const firsts = firstsOf(events, [...events.keys()])
  return [...firsts].every(([at, first]) => at === first)
}
