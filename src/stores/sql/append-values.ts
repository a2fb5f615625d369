/** What the statements of an append are run with. */
import { tenantBucket } from '../../patterns.ts'
import type { AppendOptions } from '../../queries.ts'
import type { NewEvent } from '../../records.ts'
import { jsonOrNull, toMicros } from './rows.ts'
import type { Values } from './template.ts'

/** What to claim of the new rows. */
export type AppendLease = NonNullable<AppendOptions<never>['claim']>

/** The values for the events at these indexes, with a mark of their own that tells their rows from all others. */
export function valuesOf(
  events: readonly NewEvent[],
  indexes: readonly number[],
  lease?: AppendLease,
): Values {
  const given: (string | number | null)[][] = []
  const owed: (string | number | null)[][] = []
  const addressees: (string | number | null)[][] = []
  for (const at of indexes) {
    const event = events[at]
    if (event === undefined) continue
    const { id, tenantId, addressee, dueAt, delayMs = 0, skipped } = event
    given.push([
      ...[at, tenantId, id, event.type, event.body, jsonOrNull(event.metadata), event.orderingKey],
      ...[jsonOrNull(event.settings), Number(event.test), Number(skipped), event.idempotencyKey],
      ...[toMicros(event.occurredAt), dueAt === undefined ? null : toMicros(dueAt), toMicros(delayMs)],
    ])
    const to = addressee ?? null
    owed.push([
      ...[at, tenantId, id, tenantBucket(tenantId), to?.id ?? null, to?.subscriptionId ?? null],
      to === null ? null : toMicros(to.maxAgeMs),
    ])
    if (to === null) continue
    const headers = to.headers === null ? null : JSON.stringify(to.headers)
    addressees.push([at, to.destination, to.body, headers, Number(to.test)])
  }
  const mark = Number(crypto.getRandomValues(new BigUint64Array(1))[0]) % Number.MAX_SAFE_INTEGER
  const token = lease?.token ?? null
  return {
    g: given,
    o: owed,
    a: addressees,
    mark,
    token,
    room: lease?.room ?? 0,
    lease: toMicros(lease?.leaseMs ?? 0),
  }
}

/** To look for stored events of the same ids and keys. */
export function namesOf(events: readonly NewEvent[], indexes: readonly number[]): Values {
  const w = indexes.flatMap((at) => {
    const event = events[at]
    return event === undefined ? [] : [[at, event.tenantId, event.id, event.idempotencyKey]]
  })
  return { w }
}
