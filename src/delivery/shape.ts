/**
 * Shapes what one subscription gets of an event, in the host's code: the body of the version that it chose, then
 * `transform`. Done once, when the delivery is made; the result is stored with it, so that every attempt sends the same.
 */
import { PosthornError } from '../errors.ts'
import { headersOf } from '../input/headers-input.ts'
import { recordOf } from '../input/known-keys.ts'
import { isThenable } from '../input/thenable.ts'
import type { EnvelopeInput, Parts, ShapeInput, ShapeTarget } from '../parts.ts'
import type { EventRecord, SubscriptionRecord } from '../records.ts'
import type { Scheme } from '../signing/scheme.ts'
import { serialise } from './body.ts'
import { dataOf } from './event-data.ts'
import { signingOf } from './prepare.ts'
import { within } from './within.ts'

/** What a delivery sends in place of the event's own; null body: the event's. */
export interface Shape {
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>> | null
}

/** A stored event, or one that is about to be. */
type UnstoredEvent = Omit<EventRecord, 'publishedAt' | 'dueAt' | 'sequence'>

/** The event's own bytes, for subscriptions without a shape. */
export const UNSHAPED: Shape = { body: null, headers: null }

/** True when this host shapes anything at all: without it nothing needs to be parsed. */
export function shapes({ transform, versions }: Pick<Parts, 'transform' | 'versions'>): boolean {
  return transform !== null || versions !== null
}

/**
 * The shape for one subscription; null when `transform` wants nothing to be sent. Waits for it for up to `limitMs`.
 *
 * @throws PosthornError TRANSFORM_FAILED with the cause: what the host's code threw, or what is wrong with its result
 */
export async function shapeOf(
  event: UnstoredEvent,
  subscription: SubscriptionRecord,
  parts: Parts,
  limitMs = parts.timeoutMs,
): Promise<Shape | null> {
  try {
    return await shaped(event, subscription, parts, limitMs)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown cause'
    const message = `The event ${event.id} could not be shaped for subscription ${subscription.id}: ${why}. Correct \`transform\` or \`versions\`; it is tried again.`
    throw new PosthornError('TRANSFORM_FAILED', message, { cause })
  }
}

async function shaped(
  event: UnstoredEvent,
  subscription: SubscriptionRecord,
  parts: Parts,
  limitMs: number,
): Promise<Shape | null> {
  const { transform, versions, maxBodyBytes, clock } = parts
  const version = typeof subscription.settings.version === 'string' ? subscription.settings.version : null
  const ownVersion = versions === null || version === null ? undefined : versions[version]
  const body = ownVersion === undefined ? null : serialise(ownVersion(inputOf(event)), maxBodyBytes).text
  if (transform === null) return { body, headers: null }
  const given = transform({ ...inputOf(event), channels: channelsOf(event) }, targetOf(subscription, version))
  const result: unknown = isThenable(given) ? await within(given, limitMs, clock, '`transform`') : given
  if (result === null) return null
  const own = result === undefined ? {} : recordOf(result, ['body', 'headers'], 'the result of `transform`')
  return {
    body: own.body === undefined ? body : serialise(own.body, maxBodyBytes).text,
    headers:
      own.headers === undefined ? null : headersOf(own.headers, schemesOf(subscription, parts), 'headers'),
  }
}

/** Of a row whose schemes cannot be read, none: it is set aside before anything is sent, and that is not the fault of `transform`. */
function schemesOf(subscription: SubscriptionRecord, parts: Parts): readonly Scheme[] {
  try {
    return signingOf(subscription, parts).map(({ scheme }) => scheme)
  } catch {
    return []
  }
}

/** Data of its own for each call: what the host's code changes in it reaches nobody else. */
function inputOf(event: UnstoredEvent): EnvelopeInput {
  const { id, type, tenantId, occurredAt, metadata } = event
  return {
    ...{ id, type, tenantId },
    data: dataOf(event),
    occurredAt: new Date(occurredAt),
    metadata: { ...metadata },
  }
}

function channelsOf({ settings }: Pick<EventRecord, 'settings'>): ShapeInput['channels'] {
  return Array.isArray(settings.channels) ? [...settings.channels] : []
}

function targetOf(row: SubscriptionRecord, version: string | null): ShapeTarget {
  const { id, tenantId, url, name, events, metadata } = row
  const channels = Array.isArray(row.settings.channels) ? [...row.settings.channels] : []
  return { id, tenantId, url, name, version, channels, events: [...events], metadata: { ...metadata } }
}
