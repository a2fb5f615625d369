/**
 * Subscriptions as JSON. The one place that knows their fields over HTTP: `subscriptionFields` is what both create and
 * update take, `subscription` what is shown. A new field of the library is one line in each.
 */
import { z } from 'zod/v4'
import type { Subscription } from '../../index.ts'
import { idText, instantOut, labels, labelsOut, wordOut } from './field.ts'
import { described, named } from './named.ts'

/** When a scheme stops signing: an instant, or milliseconds since 1970 as shown. The call gets a Date. */
const until = z
  .union([z.iso.datetime({ offset: true }), z.int().min(0)])
  .nullish()
  .transform((value) => (value === null || value === undefined ? undefined : new Date(value)))

const signing = named(
  'Signing',
  z
    .array(
      z
        .strictObject({ spec: z.looseObject({ scheme: z.string().max(64) }), until })
        .transform((entry) => ({ scheme: { spec: entry.spec }, until: entry.until })),
    )
    .min(1)
    .max(5),
  'Signature schemes, in the form in which a subscription shows them.',
)

const retry = named(
  'RetryPolicy',
  z.strictObject({
    delaysMs: described(
      z
        .array(
          z
            .int()
            .min(0)
            .max(7 * 86_400_000),
        )
        .max(100),
      'The wait before each retry in ms.',
    ),
    jitter: described(
      z.number().min(0).max(1),
      'Each wait grows by a random share of itself between 0 and this.',
    ),
  }),
  'When a failed delivery is tried again.',
)

/** A retry policy that comes in. */
export const retryInput = z.union([z.literal('never'), retry])

const url = () => described(z.string().min(1).max(2048), 'Absolute https URL.')

/** The fields that create and update share; null clears one to its default. */
export const subscriptionFields = {
  events: described(
    z.array(z.string().min(1).max(130)).min(1).max(100).nullish(),
    'Event names and patterns: `*`, `order.*`, `order.paid`.',
  ),
  name: z.string().max(255).nullish(),
  description: z.string().max(1000).nullish(),
  headers: described(
    z.record(z.string().min(1).max(128), z.string().max(4096)).nullish(),
    'Custom headers as a whole; their values are never shown again.',
  ),
  metadata: labels().nullish(),
  signing: signing.nullish(),
  retry: retryInput.nullish(),
  ordering: described(
    z.enum(['none', 'subscription', 'key']).nullish(),
    'Whose order is kept; `none` by default.',
  ),
  onGivenUp: described(
    z.enum(['continue', 'stop']).nullish(),
    'In an ordered subscription, when a delivery is given up; `continue` by default.',
  ),
  rate: described(
    z
      .strictObject({
        count: z.int().min(1).max(1_000_000),
        perMs: z
          .int()
          .min(1)
          .max(30 * 86_400_000),
      })
      .nullish(),
    'At most this many requests per time span.',
  ),
  concurrency: described(z.int().min(1).max(10_000).nullish(), 'Requests in flight at a time.'),
  channels: described(
    z.array(z.string().min(1).max(128)).min(1).max(10).nullish(),
    'Only events published to one of these channels.',
  ),
  filter: described(
    z.record(z.string(), z.unknown()).nullish(),
    'Only events that this payload filter takes, for example {"data.total": {"gte": 100}}.',
  ),
  version: described(z.string().min(1).max(64).nullish(), 'Which version of the payloads it gets.'),
}

/** The body of create. */
export const newSubscription = named(
  'NewSubscription',
  z.strictObject({
    id: described(
      z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .optional(),
      'An id of your own.',
    ),
    tenantId: described(
      z.string().min(1).max(255).optional(),
      'Whose it is; only for callers that may act for any tenant.',
    ),
    url: url(),
    secret: described(
      z.string().min(1).max(255).optional(),
      'A signing secret of your own; a fresh one without it.',
    ),
    state: described(
      z.enum(['active', 'paused', 'disabled']).optional(),
      'How it begins; `active` by default.',
    ),
    ...subscriptionFields,
  }),
  'A subscription to create.',
)

/** The body of update. */
export const subscriptionChanges = named(
  'SubscriptionChanges',
  z.strictObject({
    url: url().optional(),
    secret: described(
      z.string().min(1).max(255).optional(),
      'Signs instead of all secrets there are, at once; rotate-secret keeps the old ones for a while.',
    ),
    ...subscriptionFields,
  }),
  'What to change: an absent field stays, null clears it.',
)

/** Why and since when the breaker holds a subscription. */
export const breakerState = () =>
  z
    .object({
      cause: wordOut('failing', 'throttled'),
      openedAt: instantOut(),
      nextProbeAt: instantOut(),
      probes: z.number(),
    })
    .readonly()

/** A subscription as it is shown. Whatever is not listed here stays behind, secrets above all. */
export const subscription = named(
  'Subscription',
  z.object({
    id: z.string(),
    tenantId: z.string(),
    url: z.string(),
    events: z.array(z.string()).readonly(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    headerNames: z.array(z.string()).readonly(),
    headers: z.record(z.string(), z.literal('[redacted]')).readonly(),
    metadata: labelsOut(),
    state: wordOut('active', 'paused', 'disabled'),
    pausedBy: wordOut('user', 'breaker').nullable(),
    stopped: described(
      z.object({ deliveryId: z.string(), at: instantOut() }).readonly().nullable(),
      'The delivery at which its line stopped (`onGivenUp`), until it is resumed.',
    ),
    disabledReason: wordOut('user', 'gone', 'failing', 'unverified').nullable(),
    disabledAt: instantOut().nullable(),
    breaker: breakerState().nullable(),
    failingSince: instantOut().nullable(),
    signing: z.custom<Subscription['signing']>(),
    retry: z.custom<Subscription['retry']>(),
    ordering: wordOut('none', 'subscription', 'key'),
    onGivenUp: wordOut('continue', 'stop'),
    rate: z.object({ count: z.number(), perMs: z.number() }).readonly().nullable(),
    concurrency: z.number().nullable(),
    channels: z.array(z.string()).readonly(),
    filter: z.custom<Subscription['filter']>(),
    version: z.string().nullable(),
    secretHint: z.string().nullable(),
    secrets: z
      .array(
        z
          .object({
            hint: z.string().nullable(),
            createdAt: instantOut(),
            expiresAt: instantOut().nullable(),
          })
          .readonly(),
      )
      .readonly(),
    createdAt: instantOut(),
    updatedAt: instantOut(),
    revision: z.number(),
  }) satisfies z.ZodType<Subscription>,
  'Who wants which event types, and where.',
)

/** The answer to create and rotate: the only ones that hold a secret. */
export const issuedSubscription = named(
  'IssuedSubscription',
  z.object({
    subscription,
    secret: described(z.string().nullable(), 'Shown only this once. Null where the scheme takes none.'),
    publicKey: described(z.string().optional(), 'Ed25519 only: what receivers verify with.'),
    secrets: described(
      z
        .array(
          z.object({
            secret: z.string(),
            publicKey: z.string().optional(),
            schemes: z.array(z.string()).readonly(),
          }),
        )
        .readonly(),
      'Every new secret: one for each kind of key, with the schemes that sign with it.',
    ),
  }),
  'A subscription with its new secret.',
)

/** The answer to test. */
export const testSent = named(
  'TestSent',
  z.object({ eventId: z.string(), deliveryId: z.string() }),
  'A test event that is on its way.',
)

/** The body of matches: an event that is only tried. */
export const eventToMatch = named(
  'EventToMatch',
  z.strictObject({
    type: z.string().max(1024),
    data: z.unknown().optional(),
    tenantId: described(z.string().min(1).max(255).optional(), 'Whose event it would be.'),
    metadata: labels().optional(),
    channels: z.array(z.string().min(1).max(128)).min(1).max(10).optional(),
  }),
  'An event that is not published.',
)

/** The path of one subscription. */
export const subscriptionPath = { id: idText() }
