/** Waits for the host's code, but not for ever: a claim and a place among the requests in flight hang on it. */
import type { Clock } from '../clock.ts'

/** What `within` rejects with. */
export class TookTooLong extends Error {}

/** Settles as `promise` does, or rejects with TookTooLong after `limitMs`; `what` names it in the error. */
export async function within<T>(
  promise: PromiseLike<T>,
  limitMs: number,
  clock: Clock,
  what: string,
): Promise<T> {
  let stop = (): void => undefined
  const limit = new Promise<never>((_resolve, reject) => {
    const late = () => reject(new TookTooLong(`${what} took longer than ${limitMs} ms`))
    const timer = clock.setTimer(late, limitMs)
    stop = () => timer.cancel()
  })
  return Promise.race([promise, limit]).finally(stop)
}
