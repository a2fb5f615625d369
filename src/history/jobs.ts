/** `webhooks.jobs`: how the bulk jobs of recovering stand, and stopping them. */
import {
  type JobKind,
  type JobRecord,
  type JobState,
  KEEP_MS,
  shownFromJson,
  stopped,
} from '../delivery/jobs/job.ts'
import { PosthornError } from '../errors.ts'
import { invalidCursor } from '../input/cursor.ts'
import { isId, JOB_ID_LENGTH, shownId } from '../input/id-input.ts'
import { invalidInput, recordOf } from '../input/known-keys.ts'
import { type Listed, PAGE_KEYS, type PageOptions, pageOf } from '../input/page.ts'
import { type TenantListOptions, type TenantOptions, tenantFilterOf, tenantOf } from '../input/tenant.ts'
import type { Parts } from '../parts.ts'
import { dateOf } from '../present.ts'
import type { StoredJob } from '../records.ts'

/** A bulk job. It runs in bounded steps in whichever process has a worker. */
export interface Job {
  readonly id: string
  readonly tenantId: string
  readonly kind: JobKind
  /** `running` until all is looked at; `failed` when its steps failed again and again; `stopped` by `jobs.stop`. */
  readonly state: JobState
  /** Why it failed, or null. */
  readonly message: string | null
  /** The subscription and the event that it was narrowed to, or null. */
  readonly subscriptionId: string | null
  readonly eventId: string | null
  /** Deliveries (or events, for a replay) looked at so far. */
  readonly looked: number
  /** Those of them that were put into the queue, or cancelled. */
  readonly affected: number
  /** Those of them that nothing could be done for: pruned, still on their way, sent to a one-use destination. */
  readonly skipped: number
  readonly startedAt: Date
  readonly updatedAt: Date
  readonly endedAt: Date | null
}

/** What starts a bulk job gives back. */
export interface JobHandle {
  /** For `webhooks.jobs.get` and `webhooks.jobs.stop`. */
  readonly jobId: string
}

/** Which jobs to list; filters add up. */
export interface JobListOptions extends TenantListOptions, PageOptions {
  /** How they stand. @default all: the running ones, and those that ended within a day */
  readonly state?: JobState | undefined
}

/** The bulk jobs. */
export interface Jobs {
  /**
   * How it stands, as of its last step; readable for a day after its end.
   *
   * @throws PosthornError NOT_FOUND, also for another tenant's
   */
  get(id: string, options?: TenantOptions): Promise<Job>
  /** Newest first. @throws PosthornError INVALID_INPUT, INVALID_CURSOR, CONTRADICTORY_OPTIONS, TENANT_REQUIRED */
  list(options?: JobListOptions): Promise<Listed<Job>>
  /**
   * Stops a running job; one that was stopped before stays as it is. No further step begins. A step that a worker is at goes to
   * its end (100 deliveries or 25 events at most) and is not counted any more. What the job has put into the queue or cancelled
   * stays so.
   *
   * @throws PosthornError NOT_FOUND, also for another tenant's; CONFLICT when it has succeeded or failed
   */
  stop(id: string, options?: TenantOptions): Promise<Job>
}

const KEYS = ['state', 'tenantId', 'tenantIds', ...PAGE_KEYS]
const STATES: readonly JobState[] = ['running', 'succeeded', 'failed', 'stopped']

/** Builds `webhooks.jobs`. */
export function createJobs({ store, defaultTenant }: Parts): Jobs {
  async function find(id: string, options: TenantOptions | undefined): Promise<Job> {
    const scope = tenantOf(options, defaultTenant)
    const found = isId(id, JOB_ID_LENGTH) ? await store.getJob(scope, id) : null
    const job = found === null ? null : presentJob(found)
    if (job === null) throw notFound(id)
    return job
  }

  return {
    get: find,
    async list(options = {}) {
      recordOf(options, KEYS, 'the options')
      const { state } = options
      if (state !== undefined && !STATES.includes(state))
        throw invalidInput('state', `must be one of ${STATES.join(', ')}`)
      const plan = pageOf(options)
      const { after } = plan.page
      if (after !== undefined && !/^[1-9]\d{0,14}$/.test(after.id)) throw invalidCursor()
      const tenant = tenantFilterOf(options, defaultTenant)
      const rows = await store.listJobs({ tenant, ...(state === undefined ? {} : { state }) }, plan.page)
      const at = ({ addedAt, number }: StoredJob) => ({ at: addedAt, id: String(number) })
      const listed = await plan.listed(rows, at, presentJob)
      return { ...listed, items: listed.items.filter((job) => job !== null) }
    },
    async stop(id, options) {
      const { tenantId } = await find(id, options)
      const fields = stopped(await store.now())
      const ended = await store.endJob(tenantId, id, { states: ['running'], fields, delayMs: KEEP_MS })
      if (ended === null) throw notFound(id)
      const job = ended === 'conflict' ? await find(id, { tenantId }) : presentJob(ended)
      if (job === null) throw notFound(id)
      if (job.state !== 'stopped')
        throw new PosthornError(
          'CONFLICT',
          `Job ${shownId(id)} has ${job.state}: only a running one can be stopped`,
        )
      return job
    },
  }
}

const notFound = (id: unknown): PosthornError =>
  new PosthornError('NOT_FOUND', `No job ${shownId(id)} of this tenant; an ended job is kept for a day`)

/** Null for what is no job. One of a newer version is shown with its own words. */
function presentJob({ id, tenantId, job: stored }: StoredJob): Job | null {
  const job: JobRecord | null = shownFromJson(stored)
  if (job === null) return null
  const { kind, order, state, message, looked, affected, skipped, startedAt, updatedAt, endedAt } = job
  return {
    ...{ id, tenantId, kind, state, message, looked, affected, skipped },
    subscriptionId: order.subscriptionId ?? null,
    eventId: order.eventId ?? null,
    startedAt: dateOf(startedAt),
    updatedAt: dateOf(updatedAt),
    endedAt: endedAt === null ? null : dateOf(endedAt),
  }
}
