/**
 * Turns the rows of a store into the objects that callers see: instants become Dates, secrets become hints, header
 * values stay behind.
 */
import { conditionOf, revisionOf } from './delivery/condition.ts'
import type {
  Attempt,
  BreakerState,
  Delivery,
  Event,
  JsonObject,
  Rate,
  SecretInfo,
  StoppedLine,
  Subscription,
} from './model.ts'
import { REDACTED } from './model.ts'
import type { Parts } from './parts.ts'
import type {
  AttemptRecord,
  DeliveryRecord,
  EventRecord,
  SecretRecord,
  SubscriptionRecord,
} from './records.ts'
import { type SealContext, secretContext } from './sealing.ts'

/** A store's instant as a Date: fractions of a millisecond are cut off, never rounded up. */
export const dateOf = (ms: number): Date => new Date(Math.floor(ms))
const dateOrNull = (ms: number | null): Date | null => (ms === null ? null : dateOf(ms))

/**
 * The subscription without its secrets and header values. Expired secrets are left out. Asynchronous because hints
 * need the sealer; a secret that it cannot open has no hint.
 */
export async function presentSubscription(
  row: SubscriptionRecord,
  parts: Pick<Parts, 'sealer' | 'clock'>,
): Promise<Subscription> {
  const now = parts.clock.now()
  const live = row.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  const secrets = await Promise.all(
    live.map((secret) => presentSecret(secret, secretContext(row), parts.sealer)),
  )
  return {
    id: row.id,
    tenantId: row.tenantId,
    url: row.url,
    events: [...row.events],
    name: row.name,
    description: row.description,
    headerNames: Object.keys(row.headers),
    headers: Object.fromEntries(Object.keys(row.headers).map((name) => [name, REDACTED])),
    metadata: { ...row.metadata },
    state: row.state,
    pausedBy: row.pausedBy,
    stopped: stoppedOf(row),
    disabledReason: row.disabledReason,
    disabledAt: dateOrNull(row.disabledAt),
    breaker: breakerOf(row),
    failingSince: failingSinceOf(row),
    signing: structuredClone(row.settings.signing ?? null),
    retry: structuredClone(row.settings.retry ?? null),
    ordering: wordOf(row.settings.ordering, 'none'),
    onGivenUp: wordOf(row.settings.onGivenUp, 'continue'),
    rate: rateOf(row.settings),
    concurrency: typeof row.settings.concurrency === 'number' ? row.settings.concurrency : null,
    channels: channelsOf(row.settings),
    filter: structuredClone(row.settings.filter ?? null),
    version: typeof row.settings.version === 'string' ? row.settings.version : null,
    secretHint: secrets.find(({ expiresAt }) => expiresAt === null)?.hint ?? null,
    secrets,
    createdAt: dateOf(row.createdAt),
    updatedAt: dateOf(row.updatedAt),
    revision: revisionOf(row),
  }
}

/** The word as it is stored, also one of a newer version; the fallback for what is no word: such a row can still be read, and mended. */
const wordOf = <Word extends string>(value: unknown, fallback: Word): Word =>
  typeof value === 'string' ? (value as Word) : fallback

function rateOf({ rate }: JsonObject): Rate | null {
  if (typeof rate !== 'object' || rate === null || Array.isArray(rate)) return null
  const { count, perMs } = rate as JsonObject
  return typeof count === 'number' && typeof perMs === 'number' ? { count, perMs } : null
}

function failingSinceOf(row: SubscriptionRecord): Date | null {
  const since = conditionOf(row).failing?.since
  return since === undefined || !Number.isFinite(since) ? null : dateOf(since)
}

function breakerOf(row: SubscriptionRecord): BreakerState | null {
  const { breaker } = conditionOf(row)
  if (breaker === undefined || row.pausedBy !== 'breaker') return null
  const { cause, openedAt, nextProbeAt, probes } = breaker
  if (![openedAt, nextProbeAt, probes].every(Number.isFinite)) return null
  return {
    cause: wordOf(cause, 'failing'),
    openedAt: dateOf(openedAt),
    nextProbeAt: dateOf(nextProbeAt),
    probes,
  }
}

function stoppedOf(row: SubscriptionRecord): StoppedLine | null {
  const { stopped } = conditionOf(row)
  if (stopped === undefined || row.pausedBy !== 'user') return null
  const { deliveryId, at } = stopped
  return typeof deliveryId === 'string' && Number.isFinite(at) ? { deliveryId, at: dateOf(at) } : null
}

function channelsOf({ channels }: JsonObject): readonly string[] {
  return Array.isArray(channels) ? channels.map(String) : []
}

async function presentSecret(
  secret: SecretRecord,
  context: SealContext,
  sealer: Parts['sealer'],
): Promise<SecretInfo> {
  return {
    hint: await hintOf(secret.value, context, sealer),
    createdAt: dateOf(secret.createdAt),
    expiresAt: dateOrNull(secret.expiresAt),
  }
}

async function hintOf(sealed: string, context: SealContext, sealer: Parts['sealer']): Promise<string | null> {
  try {
    const plain = await sealer.open(sealed, context)
    return plain.length < 12 ? null : plain.slice(-4)
  } catch {
    return null
  }
}

/** An event as callers see it. */
export function presentEvent(row: EventRecord): Event {
  return {
    id: row.id,
    tenantId: row.tenantId,
    type: row.type,
    body: row.body,
    metadata: { ...row.metadata },
    channels: channelsOf(row.settings),
    test: row.test,
    skipped: row.skipped,
    idempotencyKey: row.idempotencyKey,
    occurredAt: dateOf(row.occurredAt),
    publishedAt: dateOf(row.publishedAt),
    dueAt: dateOf(row.dueAt),
  }
}

/** A delivery as callers see it; its destination, body and headers stay behind. */
export function presentDelivery(row: DeliveryRecord): Delivery {
  return {
    id: row.id,
    number: row.number,
    tenantId: row.tenantId,
    eventId: row.eventId,
    eventType: row.eventType,
    subscriptionId: row.subscriptionId,
    state: row.state,
    reason: row.reason,
    held: row.held,
    test: row.test,
    attemptCount: row.attemptCount,
    lastStatus: row.lastStatus,
    lastFailure: row.lastFailure,
    createdAt: dateOf(row.createdAt),
    updatedAt: dateOf(row.updatedAt),
    endedAt: dateOrNull(row.endedAt),
    nextAttemptAt: dateOrNull(row.nextAttemptAt),
    expiresAt: dateOf(row.expiresAt),
  }
}

/** An attempt as callers see it. */
export function presentAttempt(row: AttemptRecord): Attempt {
  return {
    id: row.id,
    tenantId: row.tenantId,
    deliveryId: row.deliveryId,
    eventId: row.eventId,
    eventType: row.eventType,
    subscriptionId: row.subscriptionId,
    number: row.number,
    trigger: row.trigger,
    url: row.url,
    startedAt: dateOf(row.startedAt),
    durationMs: row.durationMs,
    outcome: row.outcome,
    status: row.status,
    failure: row.failure,
    message: row.message,
    excerpt: row.excerpt,
    mayHaveBeenReceived: row.mayHaveBeenReceived,
    afterLostClaim: row.afterLostClaim,
    late: row.late,
  }
}
