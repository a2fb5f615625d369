/**
 * Checks what a caller hands in to create or change a subscription, field by field, before anything is stored. Each
 * problem is a typed error that names the field.
 */
import type { Catalog, EventPattern } from '../catalog.ts'
import type { RetryPolicy } from '../delivery/backoff.ts'
import { PosthornError } from '../errors.ts'
import type { Filter } from '../filter.ts'
import { OWN_ID } from '../ids.ts'
import { didYouMean } from '../input/closest.ts'
import { invalidInput, recordOf, textOf } from '../input/known-keys.ts'
import { urlOf } from '../input/url-input.ts'
import type { JsonValue, Metadata, Ordering, Rate, SubscriptionState, TenantScope } from '../model.ts'
import type { Parts, SigningEntry } from '../parts.ts'
import { EVENT_NAME, isPattern } from '../patterns.ts'
import { limitsInput } from './limits-input.ts'
import { selectionInput } from './selection-input.ts'
import { type SigningInput, signingEntriesOf } from './signing-input.ts'

/** What may be changed later, too. On update an absent field stays and null clears it to its default. */
export interface SubscriptionFields<Events extends Catalog | null = null> {
  /** Event names and patterns (`*`, `order.*`, `order.paid`), 1 to 100. @default ['*'] */
  readonly events?: readonly EventPattern<Events>[] | null | undefined
  /** Up to 255 characters. @default null */
  readonly name?: string | null | undefined
  /** Up to 1000 characters. @default null */
  readonly description?: string | null | undefined
  /** Custom headers, at most 50, as a whole; their values are kept secret. @default {} */
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  /** At most 50 keys up to 128 characters, values up to 500, as a whole. @default {} */
  readonly metadata?: Metadata | null | undefined
  /** Signature schemes of its own. @default those of `createWebhooks` */
  readonly signing?: SigningInput | null | undefined
  /** A retry policy of its own, from `schedule()` or `exponential()`; `'never'`: at most once. @default that of `createWebhooks` */
  readonly retry?: RetryPolicy | 'never' | null | undefined
  /** Whose order is kept: nobody's, all of the subscription's deliveries, or those of one `orderingKey`. @default 'none' */
  readonly ordering?: Ordering | null | undefined
  /** In an ordered subscription, when a delivery is given up: go on with the next one, or pause the subscription. @default 'continue' */
  readonly onGivenUp?: 'continue' | 'stop' | null | undefined
  /** At most this many requests per time span, over all processes. @default none */
  readonly rate?: Rate | null | undefined
  /** Requests in flight at a time, over all processes, 1 to 10,000. @default none, but for the shares of each process */
  readonly concurrency?: number | null | undefined
  /** Only events published to one of these channels, 1 to 10 texts up to 128 characters. @default whatever the channel */
  readonly channels?: readonly string[] | null | undefined
  /** Only events that this takes, by what is in them. @default all of its types */
  readonly filter?: Filter | null | undefined
  /** Which of the option `versions` it gets; up to 64 characters. Also told to `transform`. @default none */
  readonly version?: string | null | undefined
}

/** A subscription to create. */
export interface NewSubscriptionInput<Events extends Catalog | null = null>
  extends SubscriptionFields<Events> {
  /** An id of your own: 1 to 64 letters, digits, `_`, `-`. @default a fresh one */
  readonly id?: string | undefined
  /** May be left out when `createWebhooks` was given a `defaultTenant`. Never `anyTenant`. */
  readonly tenantId?: TenantScope | undefined
  /** Absolute https URL (http with `allowHttp`), up to 2048 characters. */
  readonly url: string
  /** 1 to 255 characters, as the scheme allows. @default a fresh one */
  readonly secret?: string | undefined
  /** `paused` and `disabled` stand as if set by the user at once. @default 'active' */
  readonly state?: SubscriptionState | undefined
}

/** What to change of a subscription. */
export interface SubscriptionChanges<Events extends Catalog | null = null>
  extends SubscriptionFields<Events> {
  readonly url?: string | undefined
  /** Signs instead of all secrets there are, at once; `rotateSecret` keeps the old ones for a while. */
  readonly secret?: string | undefined
}

/** The checked fields; an absent one was not given. Headers are not among them: they depend on the schemes in force. */
export interface CheckedFields {
  url?: string
  events?: readonly string[]
  name?: string | null
  description?: string | null
  metadata?: Metadata
  /** Null: the default of `createWebhooks`. */
  signing?: readonly SigningEntry[] | null
  /** As `settings` keeps them; null: the default. */
  retry?: JsonValue
  ordering?: JsonValue
  onGivenUp?: JsonValue
  rate?: JsonValue
  concurrency?: JsonValue
  channels?: JsonValue
  filter?: JsonValue
  version?: JsonValue
}

/** The keys of `SubscriptionChanges`. */
export const CHANGE_KEYS: readonly (keyof SubscriptionChanges)[] = [
  ...(['url', 'events', 'name', 'description', 'headers', 'metadata', 'signing', 'retry'] as const),
  ...(['ordering', 'onGivenUp', 'rate', 'concurrency', 'channels', 'filter', 'version'] as const),
]

/**
 * Checks the fields that are given.
 *
 * @throws PosthornError INVALID_INPUT, INVALID_URL, INVALID_PATTERN, UNKNOWN_EVENT_TYPE
 */
export function checkFields(input: Readonly<Record<string, unknown>>, parts: Parts): CheckedFields {
  const { url, events, name, description, metadata, signing } = input
  const checked: CheckedFields = { ...limitsInput(input), ...selectionInput(input, parts) }
  if (url !== undefined) checked.url = urlOf(url, parts)
  if (events !== undefined) checked.events = events === null ? ['*'] : patternsOf(events, parts.catalog)
  if (name !== undefined) checked.name = nameOf(name)
  if (description !== undefined) checked.description = descriptionOf(description)
  if (metadata !== undefined) checked.metadata = metadata === null ? {} : metadataOf(metadata)
  if (signing !== undefined) checked.signing = signing === null ? null : signingEntriesOf(signing, parts)
  return checked
}

/** Up to 255 characters, or null. @throws PosthornError INVALID_INPUT */
export const nameOf = (value: unknown): string | null =>
  value === null ? null : textOf(value, 'name', 0, 255)

/** Not changes, though they are near: where each belongs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  tenantId: 'belongs into the third argument: `update(id, { … }, { tenantId })`',
  ifRevision: 'belongs into the third argument: `update(id, { … }, { tenantId, ifRevision })`',
  state: 'is no field of a change: call `pause`, `resume`, `disable` or `enable`',
  id: 'of a subscription never changes: delete it, and create another',
}

/** The changes as a plain record. @throws PosthornError INVALID_INPUT for an unknown field */
export function changesOf(value: unknown): Record<string, unknown> {
  const near = Object.keys(ELSEWHERE).find(
    (key) => typeof value === 'object' && value !== null && Object.hasOwn(value, key),
  )
  if (near !== undefined) throw invalidInput(near, ELSEWHERE[near] ?? '')
  return recordOf(value, ['secret', ...CHANGE_KEYS], 'the changes')
}

/** Up to 1000 characters, or null. @throws PosthornError INVALID_INPUT */
export const descriptionOf = (value: unknown): string | null =>
  value === null ? null : textOf(value, 'description', 0, 1000)

/** The states of a subscription. */
export const STATES: readonly SubscriptionState[] = ['active', 'paused', 'disabled']

/**
 * The state that a new subscription begins in.
 *
 * @throws PosthornError INVALID_INPUT
 */
export function firstStateOf(value: unknown): SubscriptionState {
  const state = STATES.find((known) => known === (value ?? 'active'))
  if (state === undefined) throw invalidInput('state', `must be one of ${STATES.join(', ')}`)
  return state
}

/**
 * An id of the caller's own.
 *
 * @throws PosthornError INVALID_INPUT
 */
export function ownIdOf(value: unknown): string {
  if (typeof value !== 'string' || !OWN_ID.test(value))
    throw invalidInput('id', 'must have 1 to 64 letters, digits, `_` or `-`')
  return value
}

/**
 * Labels: at most 50 keys of 1 to 128 characters, text values up to 500.
 *
 * @throws PosthornError INVALID_INPUT
 */
export function metadataOf(value: unknown, path = 'metadata'): Metadata {
  const entries = Object.entries(recordOf(value, null, path))
  if (entries.length > 50) throw invalidInput(path, `has ${entries.length} keys; at most 50 are allowed`)
  return Object.fromEntries(
    entries.map(([key, text]) => [
      textOf(key, path, 1, 128, `a key of ${path}`),
      textOf(text, `${path}["${key}"]`, 0, 500),
    ]),
  )
}

/**
 * Event names and patterns without repeats.
 *
 * @throws PosthornError INVALID_PATTERN; UNKNOWN_EVENT_TYPE for a name that the catalogue lacks
 */
export function patternsOf(value: unknown, catalog: Catalog | null, path = 'events'): readonly string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 100)
    throw new PosthornError(
      'INVALID_PATTERN',
      `${path} must be an array of 1 to 100 patterns; ['*'] means all`,
      { path },
    )
  return [...new Set(Array.from(value, (pattern, index) => patternOf(pattern, catalog, `${path}[${index}]`)))]
}

function patternOf(pattern: unknown, catalog: Catalog | null, path: string): string {
  if (typeof pattern !== 'string' || !isPattern(pattern))
    throw new PosthornError(
      'INVALID_PATTERN',
      `${path} must be \`*\`, \`prefix.*\` or a name of 1 to 128 letters, digits, \`_\`, \`.\`, \`:\`, \`-\``,
      { path },
    )
  if (!catalog || pattern === '*') return pattern
  if (pattern.endsWith('.*')) {
    if (catalog.matchesAny(pattern)) return pattern
    const prefixes = [...catalog.types].flatMap((type) =>
      [...type.matchAll(/\./g)].map(({ index }) => `${type.slice(0, index)}.*`),
    )
    throw new PosthornError(
      'INVALID_PATTERN',
      `${path}: "${pattern}" matches no event type of the catalogue.${didYouMean(pattern, [...new Set(prefixes)])}`,
      { path },
    )
  }
  checkEventType(pattern, catalog, path)
  return pattern
}

/**
 * Refuses a text that is no event name, or not in the catalogue if there is one.
 *
 * @throws PosthornError UNKNOWN_EVENT_TYPE
 */
export function checkEventType(
  type: unknown,
  catalog: Catalog | null,
  path = 'type',
): asserts type is string {
  if (typeof type !== 'string' || !EVENT_NAME.test(type))
    throw new PosthornError(
      'UNKNOWN_EVENT_TYPE',
      `${path} must be a name of 1 to 128 letters, digits, \`_\`, \`.\`, \`:\`, \`-\``,
      { path },
    )
  if (catalog && !catalog.has(type))
    throw new PosthornError(
      'UNKNOWN_EVENT_TYPE',
      `${path}: "${type}" is not in the catalogue.${didYouMean(type, [...catalog.types])}`,
      { path },
    )
}
