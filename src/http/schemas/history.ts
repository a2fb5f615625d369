/** Events, deliveries and attempts as JSON. Whatever is not listed here stays behind. */
import { z } from 'zod/v4'
import type { Attempt, Delivery, Event } from '../../index.ts'
import { instantIn, instantOut, labels, labelsOut, wordOut } from './field.ts'
import { described, named } from './named.ts'
import { retryInput } from './subscription.ts'

const failure = wordOut(
  ...(['dns', 'blocked', 'connect', 'tls', 'timeout', 'reset', 'protocol'] as const),
  ...(['aborted', 'invalid-request'] as const),
)

const eventFields = {
  id: z.string(),
  tenantId: z.string(),
  type: z.string(),
  metadata: labelsOut(),
  channels: z.array(z.string()).readonly(),
  test: z.boolean(),
  skipped: z.boolean(),
  idempotencyKey: z.string().nullable(),
  occurredAt: instantOut(),
  publishedAt: instantOut(),
  dueAt: instantOut(),
}

/** One event. */
export const event = named(
  'Event',
  z.object({
    ...eventFields,
    body: described(z.string().nullable(), 'The exact text that is signed and sent; null once pruned.'),
  }) satisfies z.ZodType<Event>,
  'Something that happened, published once.',
)

/** An event in a list: without its body, which may be large. */
export const eventSummary = named('EventSummary', z.object(eventFields), 'An event without its body.')

/** The body of publish. */
export const newEvent = named(
  'NewEvent',
  z.strictObject({
    type: z.string().max(1024),
    data: described(z.unknown(), 'The payload, as the catalogue describes it.'),
    tenantId: described(z.string().min(1).max(255).optional(), 'Whose event it is.'),
    id: described(
      z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .optional(),
      'An id of your own: the `webhook-id`.',
    ),
    occurredAt: instantIn().optional(),
    deliverAt: described(instantIn().optional(), 'Up to 90 days ahead.'),
    orderingKey: described(z.string().min(1).max(255).optional(), 'Events of one key keep their order.'),
    delayMs: described(
      z
        .number()
        .min(0)
        .max(90 * 86_400_000)
        .optional(),
      'Deliver this much later; not together with `deliverAt`.',
    ),
    channels: described(
      z.array(z.string().min(1).max(128)).min(1).max(10).optional(),
      'Labels that subscriptions select by.',
    ),
    retry: described(retryInput.optional(), 'A retry policy of its own, which wins over the subscription’s.'),
    skip: described(z.boolean().optional(), 'Record it, deliver it to nobody.'),
    metadata: labels().optional(),
  }),
  'An event to publish.',
)

/** The answer to publish. */
export const published = named(
  'Published',
  z.object({
    id: z.string(),
    duplicate: described(z.boolean(), 'True when this id or key was published before.'),
    publishedAt: instantOut(),
  }),
  'A published event.',
)

/** One delivery. */
export const delivery = named(
  'Delivery',
  z.object({
    id: z.string(),
    number: z.number(),
    tenantId: z.string(),
    eventId: z.string(),
    eventType: z.string(),
    subscriptionId: z.string().nullable(),
    state: wordOut('pending', 'succeeded', 'failed', 'cancelled'),
    reason: wordOut('exhausted', 'refused', 'expired', 'quarantined').nullable(),
    held: z.boolean(),
    test: z.boolean(),
    attemptCount: z.number(),
    lastStatus: z.number().nullable(),
    lastFailure: failure.nullable(),
    createdAt: instantOut(),
    updatedAt: instantOut(),
    endedAt: instantOut().nullable(),
    nextAttemptAt: instantOut().nullable(),
    expiresAt: instantOut(),
  }) satisfies z.ZodType<Delivery>,
  'One event owed to one subscription.',
)

/** One attempt. */
export const attempt = named(
  'Attempt',
  z.object({
    id: z.string(),
    tenantId: z.string(),
    deliveryId: z.string(),
    eventId: z.string(),
    eventType: z.string(),
    subscriptionId: z.string().nullable(),
    number: z.number(),
    trigger: wordOut('event', 'retry', 'manual', 'probe'),
    url: z.string(),
    startedAt: instantOut(),
    durationMs: z.number(),
    outcome: wordOut('succeeded', 'failed'),
    status: z.number().nullable(),
    failure: failure.nullable(),
    message: z.string().nullable(),
    excerpt: z.string().nullable(),
    mayHaveBeenReceived: z.boolean(),
    afterLostClaim: z.boolean(),
    late: z.boolean(),
  }) satisfies z.ZodType<Attempt>,
  'One HTTP request of one delivery.',
)
