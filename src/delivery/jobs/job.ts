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

const isText = (value: unknown): boolean => typeof value === 'string'
const isNumber = (value: unknown): boolean => Number.isFinite(value)
const isPlace = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'at' in value &&
  isNumber(value.at) &&
  'id' in value &&
  isText(value.id)

/** What a row must have to be shown, and what more it needs to be gone on with. */
const SHOWN: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...{ kind: isText, state: isText, looked: isNumber, affected: isNumber, skipped: isNumber },
  ...{ startedAt: isNumber, updatedAt: isNumber },
  order: (value) => typeof value === 'object' && value !== null,
  message: (value) => value === null || isText(value),
  endedAt: (value) => value === null || isNumber(value),
}
const NEEDED: typeof SHOWN = {
  ...SHOWN,
  stuck: isNumber,
  cursor: (value) => value === null || isPlace(value),
}

/** The first field that cannot be read, or null. */
const damagedIn = (json: JsonObject, fields: typeof SHOWN): string | null =>
  Object.entries(fields).find(([name, isRight]) => !isRight(json[name]))?.[0] ?? null

/** The job of a stored row, to be read; its kind and state may be words of a newer version. Null for what is no job. */
export function shownFromJson(json: JsonObject): JobRecord | null {
  return damagedIn(json, SHOWN) === null ? (json as unknown as JobRecord) : null
}

/** The job of a stored row, to go on with; or the end of a sentence that says why this version cannot. */
export function fromJson(
  json: JsonObject,
): { readonly job: JobRecord } | { readonly job: null; readonly why: string } {
  for (const [name, known] of [['kind', KINDS] as const, ['state', STATES] as const]) {
    const { [name]: word } = json
    if (typeof word !== 'string' || known.includes(word)) continue
    const shown = word.slice(0, 64)
    const why = `has a ${name} that this version does not know ("${shown}"), most likely of a newer version; it is left in the queue`
    return { job: null, why }
  }
  const damaged = damagedIn(json, NEEDED)
  if (damaged === null) return { job: json as unknown as JobRecord }
  const why = `is damaged in its field \`${damaged}\`, so nobody can go on with it; remove its row from the queue and start the job anew`
  return { job: null, why }
}
