/** How far a worker is behind, by what it claims. */
import type { Claimed } from '../queries.ts'

/** How long the oldest of what was claimed had been due, in ms. */
export function lagOf({ work, now }: Claimed): number {
  const dueAt = work.flatMap((one) => {
    if (one.kind === 'delivery') return one.delivery.nextAttemptAt ?? []
    return one.kind === 'event' && !one.resumed ? one.event.dueAt : []
  })
  return Math.max(0, now - Math.min(now, ...dueAt))
}
