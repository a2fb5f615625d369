/**
 * Puts the guard before a transport: whatever carries the requests, also one that the host wrote, gets only URLs whose
 * text has passed, and the guard with each of them for the addresses.
 */
import type { TargetGuard, Transport, TransportFailure } from '../transport.ts'

/** What a person reads about every blocked target, whatever it was: a different sentence would be a port scanner. */
export const BLOCKED_MESSAGE = 'The target of this request is not allowed.'

/** The one answer for every blocked target. */
export const blockedFailure = (totalMs = 0): TransportFailure => ({
  kind: 'failure',
  code: 'blocked',
  message: BLOCKED_MESSAGE,
  mayHaveBeenReceived: false,
  timing: { firstByteMs: null, totalMs },
})

/** A transport that judges before it sends. `carrier` is asked each time: the sender may replace it. */
export function guardedTransport(carrier: () => Transport, guard: TargetGuard): Transport {
  return {
    name: carrier().name,
    send(request) {
      if (!guard.judgeUrl(request.url).allowed) return Promise.resolve(blockedFailure())
      return carrier().send(request.guard === guard ? request : { ...request, guard })
    },
    close: () => carrier().close(),
  }
}
