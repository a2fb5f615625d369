/**
 * A transport that sends nothing: it remembers what it was given and answers what the test says. It never opens a socket.
 */

import type { Transport, TransportFailure, TransportRequest, TransportResponse } from '../transport.ts'
import { type AbortListeners, createAbortListeners } from '../transports/abort-listeners.ts'

/** A status, parts of a response (status 200 unless given), or a failure. */
export type FakeAnswer = number | Partial<TransportResponse> | TransportFailure

/** Says what a request gets; `nth` counts all requests of this transport from 1. */
export type FakeAnswerer = (request: TransportRequest, nth: number) => FakeAnswer | Promise<FakeAnswer>

/** A transport for tests. */
export interface FakeTransport extends Transport {
  /** Every request so far, in order. */
  readonly requests: readonly TransportRequest[]
  /** Answers all later requests by `answerer`. */
  answer(answerer: FakeAnswerer): void
}

const timing = { firstByteMs: 1, totalMs: 1 }

function isFailure(answer: Exclude<FakeAnswer, number>): answer is TransportFailure {
  return answer.kind === 'failure'
}

function respond(parts: Partial<TransportResponse>): TransportResponse {
  return { status: 200, headers: {}, excerpt: '', truncated: false, timing, ...parts, kind: 'response' }
}

function aborted(mayHaveBeenReceived: boolean): TransportFailure {
  return {
    kind: 'failure',
    code: 'aborted',
    message: 'The attempt was aborted.',
    mayHaveBeenReceived,
    timing,
  }
}

/** Settles with the abort, if it comes before the answer. */
function untilAborted(
  listeners: AbortListeners,
  signal: AbortSignal,
): { readonly failure: Promise<TransportFailure>; stop(): void } {
  const target = { stop: (): void => undefined }
  const failure = new Promise<TransportFailure>((resolve) => {
    target.stop = () => resolve(aborted(true))
  })
  listeners.add(signal, target)
  return { failure, stop: () => listeners.remove(signal, target) }
}

/**
 * Makes a transport that answers by `answer`. An aborted signal gives the failure `aborted`, as the contract says; the
 * deadline is not watched: answer with a failure of code `timeout` instead.
 * @default 200 to everything
 * @example
 * const transport = fakeTransport((request, nth) => (nth === 1 ? 500 : 204))
 */
export function fakeTransport(answer: FakeAnswerer = () => 200): FakeTransport {
  const requests: TransportRequest[] = []
  const listeners = createAbortListeners()
  let answerer = answer
  return {
    name: 'fake',
    requests,
    answer(next) {
      answerer = next
    },
    async send(request) {
      if (request.signal?.aborted === true) return aborted(false)
      const nth = requests.push(request)
      const abort = request.signal === undefined ? null : untilAborted(listeners, request.signal)
      try {
        const answered = Promise.resolve(answerer(request, nth))
        const given = await (abort === null ? answered : Promise.race([answered, abort.failure]))
        if (typeof given === 'number') return respond({ status: given })
        return isFailure(given) ? given : respond(given)
      } finally {
        abort?.stop()
      }
    },
    close: async () => undefined,
  }
}
