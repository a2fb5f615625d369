/**
 * One attempt on the wire, which may take two tries within one deadline: when a kept-alive connection was lost before any
 * byte came back, and when a first connect failed at once. No retry on an answer, ever.
 */
import type { Parts } from '../parts.ts'
import type { TransportFailure, TransportRequest, TransportResponse, TransportResult } from '../transport.ts'
import { isAtMostOnce } from './hold.ts'
import type { Task } from './task.ts'

/** A connect that failed sooner than this is worth a second one. */
const QUICK_MS = 1_000

/** The result, and whether an earlier try of the same attempt may have been received. */
export type Sent = TransportFailure | (TransportResponse & { readonly mayHaveBeenReceived?: boolean })

/** What came of the first try, or of the second one if it deserves that; `spentMs` of the deadline are used up. */
export async function afterFirst(
  first: TransportResult,
  spentMs: number,
  request: TransportRequest,
  task: Task,
  parts: Parts,
): Promise<Sent> {
  if (first.kind === 'response' || !deservesSecondTry(first, task, parts)) return first
  const deadlineMs = request.deadlineMs - spentMs
  if (deadlineMs <= 0 || request.signal?.aborted === true) return first
  const second = await parts.transport.send({ ...request, deadlineMs, freshConnection: true })
  return merged(first, second, spentMs)
}

function deservesSecondTry(failure: TransportFailure, task: Task, { policy }: Parts): boolean {
  if (failure.onReusedConnection === true) return !isAtMostOnce(task)
  const quick =
    failure.code === 'connect' && !failure.mayHaveBeenReceived && failure.timing.totalMs < QUICK_MS
  return quick && policy.quickSecondTry
}

function merged(first: TransportFailure, second: TransportResult, spentMs: number): Sent {
  const { firstByteMs, totalMs } = second.timing
  const timing = {
    firstByteMs: firstByteMs === null ? null : spentMs + firstByteMs,
    totalMs: spentMs + totalMs,
  }
  const mayHaveBeenReceived =
    first.mayHaveBeenReceived || (second.kind === 'failure' && second.mayHaveBeenReceived)
  return { ...second, timing, mayHaveBeenReceived }
}
