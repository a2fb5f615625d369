/** Deliveries and attempts as lines of the sets of rows that statements take, and those in a fixed order. */
import type { AttemptRecord, DeliveryRecord } from '../../records.ts'
import { toMicros } from './rows.ts'

/** One row of a set. */
export type Line = readonly (string | number | null)[]

/** In a fixed order, by the first columns: every writer takes its locks, and inserts, in it. */
export function inOrder(lines: readonly Line[]): Line[] {
  return [...lines].sort(compareLines)
}

/** In order, each once. */
export function distinct(lines: readonly Line[]): Line[] {
  const sorted = inOrder(lines)
  return sorted.filter((line, at) => at === 0 || compareLines(line, sorted[at - 1] ?? []) !== 0)
}

function compareLines(a: Line, b: Line): number {
  for (let at = 0; at < a.length; at += 1) {
    const [one = null, other = null] = [a[at], b[at]]
    if (one === other) continue
    if (one === null || other === null) return one === null ? -1 : 1
    return one < other ? -1 : 1
  }
  return 0
}

const orMicros = (at: number | null): number | null => (at === null ? null : toMicros(at))

/** A delivery as a line of `DELIVERY`. */
export function deliveryLine(row: DeliveryRecord): Line {
  return [
    ...[
      row.tenantId,
      row.id,
      row.eventId,
      row.eventType,
      row.subscriptionId ?? '',
      row.destination,
      row.body,
    ],
    row.headers === null ? null : JSON.stringify(row.headers),
    ...[
      row.state,
      row.reason,
      Number(row.test),
      row.attemptCount,
      row.roundStart,
      row.lastStatus,
      row.lastFailure,
    ],
    ...[toMicros(row.createdAt), toMicros(row.updatedAt), orMicros(row.endedAt), toMicros(row.expiresAt)],
  ]
}

/** What changes of a delivery, as a line of `UPDATE_DELIVERIES`. */
export function changeLine(row: DeliveryRecord): Line {
  return [
    ...[row.tenantId, row.id, row.state, row.reason, row.destination, row.attemptCount, row.lastStatus],
    ...[row.lastFailure, toMicros(row.updatedAt), orMicros(row.endedAt)],
  ]
}

/** An attempt as a line of `ATTEMPT`. */
export function attemptLine(row: AttemptRecord): Line {
  return [
    ...[
      row.tenantId,
      row.id,
      row.deliveryId,
      row.eventId,
      row.eventType,
      row.subscriptionId ?? '',
      row.number,
    ],
    ...[
      row.trigger,
      row.url,
      toMicros(row.startedAt),
      toMicros(row.durationMs),
      row.outcome,
      row.status,
      row.failure,
    ],
    ...[
      row.message,
      row.excerpt,
      Number(row.mayHaveBeenReceived),
      Number(row.afterLostClaim),
      Number(row.late),
    ],
  ]
}
