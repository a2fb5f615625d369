/** `webhooks.jobs`: how the bulk jobs of recovering stand. */
import type { JobKind, JobRecord, JobState } from '../delivery/jobs/job.ts'
import { fromJson } from '../delivery/jobs/job.ts'
import { PosthornError } from '../errors.ts'
import { isId, shownId } from '../input/id-input.ts'
import { type TenantOptions, tenantOf } from '../input/tenant.ts'
import type { Parts } from '../parts.ts'
import { dateOf } from '../present.ts'

/** A bulk job. It runs in bounded steps in whichever process has a worker. */
export interface Job {
  readonly id: string
  readonly tenantId: string
  readonly kind: JobKind
  /** `running` until all is looked at; `failed` when its steps failed again and again. */
  readonly state: JobState
  /** Why it failed, or null. */
  readonly message: string | null
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
  /** For `webhooks.jobs.get`. */
  readonly jobId: string
}

/** The bulk jobs. */
export interface Jobs {
  /**
   * How it stands, as of its last step; readable for a day after its end.
   *
   * @throws PosthornError NOT_FOUND, also for another tenant's
   */
  get(id: string, options?: TenantOptions): Promise<Job>
}

/** Builds `webhooks.jobs`. */
export function createJobs({ store, defaultTenant }: Parts): Jobs {
  return {
    async get(id, options) {
      const scope = tenantOf(options, defaultTenant)
      const found = isId(id) ? await store.getJob(scope, id) : null
      const job = found === null ? null : fromJson(found.job)
      if (found === null || job === null)
        throw new PosthornError(
          'NOT_FOUND',
          `No job ${shownId(id)} of this tenant; an ended job is kept for a day`,
        )
      return presentJob(id, found.tenantId, job)
    },
  }
}

function presentJob(id: string, tenantId: string, job: JobRecord): Job {
  const { kind, state, message, looked, affected, skipped, startedAt, updatedAt, endedAt } = job
  return {
    ...{ id, tenantId, kind, state, message, looked, affected, skipped },
    startedAt: dateOf(startedAt),
    updatedAt: dateOf(updatedAt),
    endedAt: endedAt === null ? null : dateOf(endedAt),
  }
}
