/** Cancels pending deliveries and reports each: the one way by which the library cancels, so that no path forgets to tell of it. */
import type { Parts } from '../parts.ts'
import type { DeliveryRecord } from '../records.ts'
import type { Store } from '../store.ts'
import { reportEnded } from './report-ended.ts'

type Telling = Pick<Parts, 'store' | 'report' | 'statistics'>
type Which = Parameters<Store['cancel']>[0]

/** Rows of one statement. */
const BATCH = 500

/** One bounded batch: as long as it comes back full, more may be left. */
export async function cancelSome(
  parts: Telling,
  which: Which,
  limit = BATCH,
): Promise<{ readonly cancelled: readonly DeliveryRecord[]; readonly more: boolean }> {
  const cancelled = await parts.store.cancel(which, limit)
  for (const delivery of cancelled) reportEnded(parts, delivery)
  return { cancelled, more: cancelled.length >= limit }
}

/** Batch after batch, until none is left. `inTurn` says when each may run. */
export async function cancelAll(
  parts: Telling,
  which: Which,
  inTurn: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): Promise<void> {
  while ((await inTurn(() => cancelSome(parts, which))).more);
}
