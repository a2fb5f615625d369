/**
 * Runs bulk jobs, one bounded step per claim: act on a batch, keep the progress in the job's row, hand it back. A worker
 * that dies costs one step, which is repeated. Jobs never run ahead of their receivers: with enough work due they wait,
 * so that the live flow finds room. A job that was stopped meanwhile takes nothing back: its claim is lost, and so it ends.
 */
import { PosthornError } from '../errors.ts'
import type { JsonObject } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { JobWork } from '../records.ts'
import { QUARANTINE_AFTER } from './hold.ts'
import { cancel } from './jobs/cancel.ts'
import { fromJson, type JobKind, type JobRecord, KEEP_MS, toJson } from './jobs/job.ts'
import { replay } from './jobs/replay.ts'
import { retryAll } from './jobs/retry-all.ts'
import type { Step } from './jobs/step.ts'

const STEPS: Readonly<Record<JobKind, Step>> = { retryAll, replay, replayMissing: replay, cancel }

/** Due rows of its subscription (or tenant) from which a job waits. */
const AHEAD = 500
const WAIT_MS = 1_000
const UNKNOWN_MS = 60_000
/** Steps in a row that may fail before the job is given up. */
const MAX_FAILED_STEPS = 20

/** Takes one step; resolves when the job is back in the queue (or out of it). Rejects only when the store fails. */
export type JobRunner = (work: JobWork, isOver: () => boolean) => Promise<void>

export function createJobRunner(parts: Parts): JobRunner {
  const { store } = parts

  /** False when the claim was lost: somebody stopped the job, or another worker has it. */
  async function handBack(work: JobWork, delayMs: number, job?: JsonObject): Promise<boolean> {
    const entry = { claim: work.claim, delayMs, ...(job === undefined ? {} : { job }) }
    const isTaken = (await store.handBack([entry])) > 0
    if (isTaken && delayMs === 0) parts.wake()
    return isTaken
  }

  async function end(work: JobWork, job: JobRecord, message: string | null): Promise<void> {
    const now = await store.now()
    const state = message === null ? 'succeeded' : 'failed'
    const ended = toJson({ ...job, state, message, updatedAt: now, endedAt: now })
    if (!(await handBack(work, KEEP_MS, ended)) || message === null) return
    const what = `The job ${work.claim.row} (${job.kind}) was given up: ${message}`
    parts.report.problem('job', new PosthornError('STORE_FAILED', what))
  }

  async function isAhead(work: JobWork, { kind, order: { subscriptionId } }: JobRecord): Promise<boolean> {
    if (kind === 'cancel') return false
    const tenant = work.tenantId
    const { due } = await store.backlog({
      tenant,
      ...(subscriptionId === undefined ? {} : { subscriptionId }),
    })
    return due > AHEAD
  }

  async function step(work: JobWork, job: JobRecord, isOver: () => boolean): Promise<void> {
    const { tenantId } = work
    const result = await STEPS[job.kind]({ job, tenantId, parts, isOver })
    const next: JobRecord = {
      ...job,
      looked: job.looked + result.looked,
      affected: job.affected + result.affected,
      skipped: job.skipped + result.skipped,
      cursor: result.cursor,
      stuck: result.waits === true && result.looked === 0 ? job.stuck + 1 : 0,
      updatedAt: await store.now(),
    }
    if (result.affected > 0) parts.wake()
    if (result.done) return end(work, next, null)
    await handBack(work, result.waits === true ? WAIT_MS : 0, toJson(next))
  }

  async function failed(work: JobWork, job: JobRecord, cause: unknown): Promise<void> {
    const message = cause instanceof Error ? cause.message : 'unknown cause'
    if (job.stuck + 1 >= MAX_FAILED_STEPS) return end(work, job, message)
    parts.report.problem(
      'job',
      new PosthornError('STORE_FAILED', `A step of a bulk job failed and is repeated: ${message}`, { cause }),
    )
    await handBack(work, WAIT_MS * 2 ** Math.min(job.stuck, 6), toJson({ ...job, stuck: job.stuck + 1 }))
  }

  return async (work, isOver) => {
    const read = fromJson(work.job)
    if (read.job === null) {
      const message = `The job ${work.claim.row} ${read.why}.`
      parts.report.problem('job', new PosthornError('STORE_FAILED', message))
      await handBack(work, UNKNOWN_MS)
      return
    }
    const { job } = read
    if (job.endedAt !== null) {
      await store.finish([work.claim])
      return
    }
    if (isOver()) {
      await handBack(work, 0)
      return
    }
    if (work.lostAlone >= QUARANTINE_AFTER) return end(work, job, 'its workers died again and again')
    if (await isAhead(work, job)) {
      await handBack(work, WAIT_MS)
      return
    }
    try {
      await step(work, job, isOver)
    } catch (cause) {
      await failed(work, job, cause)
    }
  }
}
