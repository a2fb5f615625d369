/** What became of the events of an append, row by row. */
import type { Appended } from '../../queries.ts'
import type { EventRecord, NewEvent, Work } from '../../records.ts'
import { deliveryRecord } from '../delivery.ts'
import { eventRecord } from '../event.ts'
import type { AppendLease } from './append-values.ts'
import {
  asStoredEvent,
  copied,
  eventOf,
  instant,
  number,
  numberOrNull,
  rowName,
  toMicros,
  toMs,
} from './rows.ts'
import type { Row } from './session.ts'

/** What is known so far. */
export interface Found {
  /** By the index of the event in the call. */
  readonly entries: Map<number, Appended>
  /** Of each tenant's subscriptions. */
  readonly versions: Map<string, number>
}

/** Nothing is known yet. */
export const nothingFound = (): Found => ({ entries: new Map(), versions: new Map() })

/** A row of the statement that inserts, or of the one that reads what was inserted: without a sequence where nothing was. */
export function keepInserted(found: Found, events: readonly NewEvent[], row: Row, lease?: AppendLease): void {
  const at = number(row.n)
  const input = events[at]
  if (input === undefined) return
  found.versions.set(input.tenantId, number(row.version ?? 0))
  if (row.sequence === null) return
  const event = eventRecord(asStoredEvent(input), copied(input.metadata), copied(input.settings), {
    publishedAt: instant(row.published_at),
    dueAt: instant(row.due_at),
    sequence: number(row.sequence),
  })
  const leaseUntil = numberOrNull(row.lease_until)
  const work = lease === undefined || !leaseUntil ? null : workOf(event, input, row, lease)
  found.entries.set(at, { event, duplicate: false, work })
}

/** A stored event of the same id or key. */
export function keepExisting(found: Found, row: Row): void {
  found.entries.set(number(row.n), { event: eventOf(row), duplicate: true, work: null })
}

/** Those of these indexes of which nothing is known. */
export const unknownOf = (found: Found, indexes: readonly number[]): number[] =>
  indexes.filter((at) => !found.entries.has(at))

function workOf(event: EventRecord, { addressee }: NewEvent, row: Row, lease: AppendLease): Work {
  const base = {
    claim: { row: rowName(event.tenantId, event.id, number(row.row_id)), token: lease.token },
    tenantId: event.tenantId,
    leaseUntil: instant(row.lease_until),
    lostClaims: 0,
    lostAlone: 0,
    resumed: false,
    event,
  }
  if (addressee === undefined) return { kind: 'event', after: null, upTo: null, ...base }
  const delivery = deliveryRecord(addressee, {
    number: number(row.number),
    tenantId: event.tenantId,
    eventId: event.id,
    eventType: event.type,
    headers: structuredClone(addressee.headers),
    now: instant(row.now),
    nextAttemptAt: event.dueAt,
    expiresAt: toMs(toMicros(event.dueAt) + toMicros(addressee.maxAgeMs)),
  })
  return { kind: 'delivery', delivery, trigger: 'event', released: false, ...base }
}
