/** A client-side deadline: a database that does not answer must not hold up a worker for ever. */
import { setDeadline, systemClock } from '../../../clock.ts'
import { PosthornError } from '../../../errors.ts'
import { type ExecutorSettings, QUERY_TIMEOUT_MS } from './settings.ts'

/** Starts the work at once and rejects with `STORE_FAILED` when it has not ended in time. */
export type Deadline = <T>(during: string, start: () => PromiseLike<T>, around?: Around<T>) => Promise<T>

/** What else a deadline can know. */
export interface Around<T> {
  /** Gets what arrives after the deadline (a connection to give back); a late failure is of no interest to anybody. */
  readonly late?: (value: T) => void
  /** Called when the time is over. */
  readonly over?: () => void
  /** When the time began to run, by the monotonic clock; with less than a tenth of it left the work is not started. @default now */
  readonly since?: number
}

/** @throws PosthornError `INVALID_OPTION` */
export function createDeadline(driver: string, settings: ExecutorSettings): Deadline {
  const { clock = systemClock, queryTimeoutMs: limitMs = QUERY_TIMEOUT_MS } = settings
  if (!Number.isInteger(limitMs) || limitMs < 1 || limitMs > 3_600_000) {
    throw new PosthornError(
      'INVALID_OPTION',
      `queryTimeoutMs must be a whole number of milliseconds from 1 to 3600000; ${String(limitMs)} is not.`,
      { path: 'queryTimeoutMs' },
    )
  }
  return (during, start, { late, over, since } = {}) =>
    new Promise((resolve, reject) => {
      let isOver = false
      const leftMs = since === undefined ? limitMs : Math.max(0, since + limitMs - clock.monotonic())
      if (since !== undefined && leftMs < limitMs / 10) {
        // Not sent for nothing: it would be cut off with its connection, and nobody would know what it had done.
        const message = tooLate(driver, 'waiting for a connection', limitMs)
        reject(new PosthornError('STORE_FAILED', message, { outcomeUnknown: false }))
        return
      }
      const expire = (): void => {
        isOver = true
        const outcomeUnknown = !during.startsWith('waiting')
        reject(new PosthornError('STORE_FAILED', tooLate(driver, during, limitMs), { outcomeUnknown }))
        over?.()
      }
      const timer = setDeadline(clock, expire, leftMs)
      const fail = (error: unknown): void => {
        timer.cancel()
        reject(error)
      }
      try {
        start().then((value) => {
          timer.cancel()
          if (isOver) late?.(value)
          else resolve(value)
        }, fail)
      } catch (error) {
        fail(error)
      }
    })
}

const tooLate = (driver: string, during: string, limitMs: number): string =>
  `${driver}: ${during} took longer than ${limitMs} ms. The database does not answer, is overloaded, or all its ` +
  'connections are taken: look at the server and the pool size, pass `tx` for what belongs to an open transaction, ' +
  'or raise queryTimeoutMs.'
