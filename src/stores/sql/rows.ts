/**
 * Rows as drivers give them, and records as the contract wants them. Instants are whole microseconds in the database and
 * milliseconds, with a fraction, outside; JSON is text; absent text in keys is the empty text.
 */
import type {
  AttemptRecord,
  DeliveryRecord,
  EventRecord,
  NewAttempt,
  NewEvent,
  StoredJob,
  SubscriptionRecord,
} from '../../records.ts'
import { objectIn, secretsIn, textListIn, textsIn, withBroken } from './json-columns.ts'
import type { Row } from './session.ts'

/** Stages of a queue row. */
export const STAGE = { due: 0, held: 1, suspect: 2 } as const
/** What a queue row waits for where order is kept: nothing, and it blocks nobody; its ordering key's line; the whole subscription's alone. */
export const LINE = { none: 0, ofKey: 1, keyless: 2 } as const
/** Kinds of a queue row. */
export const KIND = { event: 0, delivery: 1, job: 2 } as const

/** Milliseconds as the database keeps them. */
export const toMicros = (ms: number): number => Math.round(ms * 1000)
/** Microseconds as records show them. */
export const toMs = (us: number): number => us / 1000

/** A number, whatever the driver made of it. */
export const number = (value: unknown): number => Number(value)
/** A number or null. */
export const numberOrNull = (value: unknown): number | null =>
  value === null || value === undefined ? null : Number(value)
/** Text; some drivers give bytes. */
export const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value instanceof Uint8Array
      ? new TextDecoder().decode(value)
      : String(value)
/** Text or null. */
export const textOrNull = (value: unknown): string | null =>
  value === null || value === undefined ? null : text(value)
/** An instant in milliseconds. */
export const instant = (value: unknown): number => toMs(Number(value))
/** An instant or null. */
export const instantOrNull = (value: unknown): number | null =>
  value === null || value === undefined ? null : toMs(Number(value))
/** Null for the empty text. */
export const orNull = (value: unknown): string | null => textOrNull(value) || null
/** True for 1, `'1'`, true. */
export const flag = (value: unknown): boolean => Number(value) === 1
/** JSON of a column; the fallback where it is null. */
export function json<Value>(value: unknown, fallback: Value): Value {
  return value === null || value === undefined ? fallback : (JSON.parse(text(value)) as Value)
}
/** JSON text of an object, or null for an empty one, which most are. */
export function jsonOrNull(value: object): string | null {
  for (const _ in value) return JSON.stringify(value)
  return null
}

/** A copy that nobody else has; most are empty. */
export function copied<Value extends object>(value: Value): Value {
  for (const _ in value) return structuredClone(value)
  return {} as Value
}
/** An instant or span in ms, as it is read again. */
const rounded = (ms: number): number => toMs(toMicros(ms))
/** What was made of an attempt, as it is read again. */
export const asStored = (made: NewAttempt): NewAttempt => ({
  ...made,
  startedAt: rounded(made.startedAt),
  durationMs: rounded(made.durationMs),
})
/** What was made of an event, as it is read again. */
export const asStoredEvent = (made: NewEvent): NewEvent => ({ ...made, occurredAt: rounded(made.occurredAt) })

/** An event. */
export function eventOf(row: Row): EventRecord {
  const metadata = textsIn(row.metadata)
  const settings = objectIn(row.settings)
  const event = {
    id: text(row.id),
    tenantId: text(row.tenant_id),
    type: text(row.type),
    body: textOrNull(row.body),
    metadata: metadata ?? {},
    orderingKey: textOrNull(row.ordering_key),
    settings: settings ?? {},
    test: flag(row.test),
    skipped: flag(row.skipped),
    idempotencyKey: textOrNull(row.idempotency_key),
    occurredAt: instant(row.occurred_at),
    publishedAt: instant(row.published_at),
    dueAt: instant(row.due_at),
    sequence: number(row.sequence),
  }
  return metadata === null || settings === null ? withBroken(event, { metadata, settings }) : event
}

/** The event of a queue row, whose tenant and event id are its own; the columns of the event begin with `e_`. */
export function eventOfClaim(row: Row): EventRecord {
  const metadata = textsIn(row.e_metadata)
  const settings = objectIn(row.e_settings)
  const event = {
    id: text(row.event_id),
    tenantId: text(row.tenant_id),
    type: text(row.e_type),
    body: textOrNull(row.e_body),
    metadata: metadata ?? {},
    orderingKey: textOrNull(row.e_ordering_key),
    settings: settings ?? {},
    test: flag(row.e_test),
    skipped: flag(row.e_skipped),
    idempotencyKey: textOrNull(row.e_idempotency_key),
    occurredAt: instant(row.e_occurred_at),
    publishedAt: instant(row.e_published_at),
    dueAt: instant(row.e_due_at),
    sequence: number(row.e_sequence),
  }
  return metadata === null || settings === null ? withBroken(event, { metadata, settings }) : event
}

/** Columns of an event besides its key. */
export const EVENT_COLUMNS = [
  ...['type', 'body', 'metadata', 'ordering_key', 'settings', 'test', 'skipped'],
  ...['idempotency_key', 'occurred_at', 'published_at', 'due_at', 'sequence'],
] as const

/** What a delivery's row and its queue row say about when it is due. */
export interface Waiting {
  readonly held: boolean
  readonly nextAttemptAt: number | null
}

const ENDED: Waiting = { held: false, nextAttemptAt: null }

/** A delivery. What waits is kept in the queue row: `waiting_stage` and `waiting_at` of a join tell it. */
export function deliveryOf(row: Row, prefix = '', waiting = waitingOf(row, prefix)): DeliveryRecord {
  const at = (name: string) => row[prefix + name]
  const given = at('headers')
  const headers = given === null || given === undefined ? undefined : textsIn(given)
  const delivery = {
    id: text(at('id')),
    number: number(at('number')),
    tenantId: text(at('tenant_id')),
    eventId: text(at('event_id')),
    eventType: text(at('event_type')),
    subscriptionId: orNull(at('subscription_id')),
    destination: textOrNull(at('destination')),
    body: textOrNull(at('body')),
    headers: headers ?? null,
    state: text(at('state')) as DeliveryRecord['state'],
    reason: textOrNull(at('reason')) as DeliveryRecord['reason'],
    test: flag(at('test')),
    attemptCount: number(at('attempt_count')),
    roundStart: number(at('round_start')),
    lastStatus: numberOrNull(at('last_status')),
    lastFailure: textOrNull(at('last_failure')) as DeliveryRecord['lastFailure'],
    createdAt: instant(at('created_at')),
    updatedAt: instant(at('updated_at')),
    endedAt: instantOrNull(at('ended_at')),
    ...waiting,
    expiresAt: instant(at('expires_at')),
  }
  return headers === null ? withBroken(delivery, { headers }) : delivery
}

function waitingOf(row: Row, prefix: string): Waiting {
  const stage = numberOrNull(row[`${prefix}waiting_stage`])
  if (stage === null || row[`${prefix}state`] !== 'pending') return ENDED
  if (stage === STAGE.held) return { held: true, nextAttemptAt: null }
  return { held: false, nextAttemptAt: instantOrNull(row[`${prefix}waiting_at`]) }
}

/** Columns of a delivery. */
export const DELIVERY_COLUMNS = [
  ...[
    'id',
    'number',
    'tenant_id',
    'event_id',
    'event_type',
    'subscription_id',
    'destination',
    'body',
    'headers',
  ],
  ...['state', 'reason', 'test', 'attempt_count', 'round_start', 'last_status', 'last_failure', 'created_at'],
  ...['updated_at', 'ended_at', 'expires_at'],
] as const

/** An attempt. */
export function attemptOf(row: Row): AttemptRecord {
  return {
    id: text(row.id),
    tenantId: text(row.tenant_id),
    deliveryId: text(row.delivery_id),
    eventId: text(row.event_id),
    eventType: text(row.event_type),
    subscriptionId: orNull(row.subscription_id),
    number: number(row.number),
    trigger: text(row.cause) as AttemptRecord['trigger'],
    url: text(row.url),
    startedAt: instant(row.started_at),
    durationMs: toMs(number(row.duration_us)),
    outcome: text(row.outcome) as AttemptRecord['outcome'],
    status: numberOrNull(row.status),
    failure: textOrNull(row.failure) as AttemptRecord['failure'],
    message: textOrNull(row.message),
    excerpt: textOrNull(row.excerpt),
    mayHaveBeenReceived: flag(row.may_have_been_received),
    afterLostClaim: flag(row.after_lost_claim),
    late: flag(row.late),
  }
}

/** A subscription. */
export function subscriptionOf(row: Row): SubscriptionRecord {
  const parts = {
    events: textListIn(row.events),
    headers: textsIn(row.headers),
    metadata: textsIn(row.metadata),
    secrets: secretsIn(row.secrets),
    settings: objectIn(row.settings),
    condition: objectIn(row.conditions),
  }
  const subscription = {
    id: text(row.id),
    tenantId: text(row.tenant_id),
    url: text(row.url),
    events: parts.events ?? [],
    name: textOrNull(row.name),
    description: textOrNull(row.description),
    headers: parts.headers ?? {},
    metadata: parts.metadata ?? {},
    state: text(row.state) as SubscriptionRecord['state'],
    pausedBy: textOrNull(row.paused_by) as SubscriptionRecord['pausedBy'],
    disabledReason: textOrNull(row.disabled_reason) as SubscriptionRecord['disabledReason'],
    disabledAt: instantOrNull(row.disabled_at),
    secrets: parts.secrets ?? [],
    settings: parts.settings ?? {},
    condition: parts.condition ?? {},
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
    revision: number(row.revision),
  }
  return withBroken(subscription, parts)
}

/** A queue row's place, as the text of a claim. */
export const rowName = (tenantId: string, eventId: string, id: number): string =>
  JSON.stringify([id, tenantId, eventId])

/** A bulk job. */
export function jobOf(row: Row): StoredJob {
  const tenantId = text(row.tenant_id)
  const id = number(row.id)
  const job = objectIn(row.job) ?? {}
  return { id: rowName(tenantId, '', id), tenantId, number: id, addedAt: instant(row.position_at), job }
}

/** The place of a queue row; a text that is none points at no row. */
export function rowPlace(row: string): readonly [tenantId: string, eventId: string, id: number] {
  try {
    const [id, tenantId, eventId] = JSON.parse(row) as unknown[]
    if (typeof id === 'number' && typeof tenantId === 'string' && typeof eventId === 'string')
      return [tenantId, eventId, id]
  } catch {}
  return ['', '', 0]
}
