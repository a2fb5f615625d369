/** Bulk jobs as JSON: what they take, and how they stand. */
import { z } from 'zod/v4'
import type { Job } from '../../index.ts'
import { idText, instantIn, instantOut, wordOut } from './field.ts'
import { described, named } from './named.ts'

const span = { since: instantIn().optional(), until: instantIn().optional() }
const tenantId = described(
  z.string().min(1).max(255).optional(),
  'Whose rows; only for callers that may act for any tenant.',
)

/** The body of retry-all. */
export const retryAllOrder = named(
  'RetryAll',
  z.strictObject({
    tenantId,
    subscription: described(idText().optional(), 'Only those of this subscription.'),
    status: described(
      z.enum(['pending', 'succeeded', 'failed', 'cancelled']).optional(),
      'How they stand; `failed` by default.',
    ),
    ...span,
    type: described(z.string().max(128).optional(), 'Exact event type.'),
  }),
  'Which deliveries to send again; filters add up.',
)

const missing = {
  tenantId,
  subscription: idText(),
  ...span,
  types: described(
    z.array(z.string().min(1).max(130)).min(1).max(100).optional(),
    'Names and patterns, besides the subscription’s own.',
  ),
}

/** The body of replay-missing. */
export const replayMissingOrder = named(
  'ReplayMissing',
  z.strictObject(missing),
  'Give a subscription the events that it has no delivery of.',
)

/** The body of replay. */
export const replayOrder = named(
  'Replay',
  z.strictObject({
    ...missing,
    succeededToo: described(z.boolean().optional(), 'Also what was delivered already.'),
  }),
  'Give a subscription the events of a time span that it never got.',
)

/** The body of the bulk cancel. */
export const cancelOrder = named(
  'Cancel',
  z.strictObject({ tenantId, subscription: idText().optional(), event: idText().optional() }),
  'Which pending deliveries to cancel; at least one of the two.',
)

/** What orders a job is answered with. */
export const jobHandle = named(
  'JobHandle',
  z.object({ jobId: described(z.string(), 'Read how it stands at `/jobs/{id}`.') }),
  'A job that was ordered.',
)

/** How jobs stand that are asked for. */
export const jobState = z.enum(['running', 'succeeded', 'failed', 'stopped'])

/** A job's id, which may have its tenant's name in it. */
export const jobId = () => idText(600)

/** A bulk job. */
export const job = named(
  'Job',
  z.object({
    id: z.string(),
    tenantId: z.string(),
    kind: wordOut('retryAll', 'replay', 'replayMissing', 'cancel'),
    state: wordOut(...jobState.options),
    message: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    eventId: z.string().nullable(),
    looked: z.number(),
    affected: z.number(),
    skipped: z.number(),
    startedAt: instantOut(),
    updatedAt: instantOut(),
    endedAt: instantOut().nullable(),
  }) satisfies z.ZodType<Job>,
  'Sending many things again, or not at all, in bounded batches.',
)
