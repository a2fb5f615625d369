/** How long history is kept. What is undelivered is always kept, whatever is set here. */
import { z } from 'zod/v4'
import { withDefaults } from '../input/with-defaults.ts'

/** Windows of retention, each counted from when the last delivery of an event has ended. */
export interface RetentionOptions {
  /** Events with their deliveries and attempts. @default 30 days */
  readonly finishedMs?: number
  /** Bodies of events and excerpts of answers; the rows stay until `finishedMs`. @default 30 days */
  readonly bodiesMs?: number
  /** Idempotency keys, counted from the publish; afterwards the same key publishes anew. @default 7 days */
  readonly keysMs?: number
}

const DAY_MS = 86_400_000
const RETENTION: Required<RetentionOptions> = {
  finishedMs: 30 * DAY_MS,
  bodiesMs: 30 * DAY_MS,
  keysMs: 7 * DAY_MS,
}

/** With every default filled in; null: everything is kept. */
export function retentionOf(given: RetentionOptions | false = {}): Required<RetentionOptions> | null {
  return given === false ? null : withDefaults(RETENTION, given)
}

const windowMs = z
  .int()
  .min(60_000)
  .max(3_650 * DAY_MS)
  .optional()

/** How the option is checked. */
export const retentionShape = z
  .union([z.literal(false), z.strictObject({ finishedMs: windowMs, bodiesMs: windowMs, keysMs: windowMs })], {
    error: 'must be false or `{ finishedMs?, bodiesMs?, keysMs? }`, in ms',
  })
  .optional()
