/**
 * A bulk job as it stands in the queue: what it is to do, how far it has come, how it ended. Plain JSON, so that any
 * worker can go on with it; an ended one stays for a day, so that its result can be read.
 */
import type { DeliveryState, JsonObject } from '../../model.ts'

/** What a job does; its fields depend on the kind. */
export type JobKind = 'retryAll' | 'replay' | 'replayMissing' | 'cancel'

/** How a job stands. */
export type JobState = 'running' | 'succeeded' | 'failed' | 'stopped'

/** How long an ended job can be read, in ms. */
export const KEEP_MS = 86_400_000

/** What a job was asked for; absent fields do not narrow it. Instants in milliseconds. */
export interface JobOrder {
  readonly subscriptionId?: string
  readonly eventId?: string
  readonly state?: DeliveryState
  readonly type?: string
  /** Patterns; a replayed event fits one of them. */
  readonly types?: readonly string[]
  readonly since?: number
  readonly until?: number
  /** Also events that were delivered already. */
  readonly succeededToo?: boolean
}

/** A job's row. */
export interface JobRecord {
  readonly kind: JobKind
  readonly order: JobOrder
  readonly state: JobState
  /** Why it failed, or null. */
  readonly message: string | null
  /** Rows looked at, acted on, and left out because nothing could be done for them. */
  readonly looked: number
  readonly affected: number
  readonly skipped: number
  /** Where the next step goes on. */
  readonly cursor: { readonly at: number; readonly id: string } | null
  /** Turns spent at the cursor without getting past it: failed steps, or waiting for a fan-out. */
  readonly stuck: number
  readonly startedAt: number
  readonly updatedAt: number
  readonly endedAt: number | null
}

const KINDS: readonly unknown[] = ['retryAll', 'replay', 'replayMissing', 'cancel'] satisfies JobKind[]
const STATES: readonly unknown[] = ['running', 'succeeded', 'failed', 'stopped'] satisfies JobState[]

/** A job that has done nothing yet. */
export function newJob(kind: JobKind, order: JobOrder, now: number): JobRecord {
  return {
    kind,
    order,
    state: 'running',
    message: null,
    looked: 0,
    affected: 0,
    skipped: 0,
    cursor: null,
    stuck: 0,
    startedAt: now,
    updatedAt: now,
    endedAt: null,
  }
}

/** What changes in a running job that somebody stops: how far it came stays. */
export function stopped(now: number): Partial<JobRecord> & JsonObject {
  return { state: 'stopped', updatedAt: now, endedAt: now }
}

/** As the store keeps it. */
export function toJson(job: JobRecord): JsonObject {
  return JSON.parse(JSON.stringify(job))
}

/** The job of a stored row, to be read; its kind and state may be words of a newer version. Null for what is no job. */
export function shownFromJson(json: JsonObject): JobRecord | null {
  const { kind, state, order, message, startedAt, updatedAt, endedAt, looked, affected, skipped } = json
  const isWhole =
    [kind, state].every((word) => typeof word === 'string') &&
    [startedAt, updatedAt, looked, affected, skipped].every((value) => typeof value === 'number') &&
    typeof order === 'object' &&
    order !== null &&
    (message === null || typeof message === 'string') &&
    (endedAt === null || typeof endedAt === 'number')
  return isWhole ? (json as unknown as JobRecord) : null
}

/** The job of a stored row, to go on with; null for one that this version does not know. */
export function fromJson(json: JsonObject): JobRecord | null {
  const job = shownFromJson(json)
  return job !== null && KINDS.includes(job.kind) && STATES.includes(job.state) ? job : null
}
