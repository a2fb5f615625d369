/**
 * One request and its answer over undici, as a value that changes with every call of undici's parser: one
 * connection, one deadline, a capped body. A class, because sixteen thousand of them are made each second and
 * closures cost; nobody outside `sender.ts` sees it.
 */
import type { LookupAddress } from 'node:dns'
import type { Dispatcher } from 'undici'
import { type Clock, setDeadline, type Timer } from '../clock.ts'
import {
  type FailureCode,
  MAX_EXCERPT_BYTES,
  MAX_READ_BYTES,
  type TargetGuard,
  type TransportFailure,
  type TransportTiming,
} from '../transport.ts'
import type { Connection, Connections } from './connections.ts'
import { describeFailure, type FailureFacts, failureError, type Phase, sentence } from './failure.ts'
import type { Target } from './request-head.ts'

/** A checked request. */
export interface ExchangeRequest {
  readonly target: Target
  readonly method?: 'POST' | 'OPTIONS' | undefined
  readonly guard?: TargetGuard | undefined
  /** Names and values in turn, without the headers that frame the message. */
  readonly headers: string[]
  readonly body: Uint8Array
  /** Infinity when the caller watches the deadline. */
  readonly deadlineMs: number
  /** The request is written no later than so long after the exchange began. @default deadlineMs */
  readonly sendWithinMs?: number
  /** Send over a connection that nothing was sent on before. */
  readonly fresh?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** An answer as bytes. */
export interface ExchangeAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly headers: Record<string, string>
  /** The first 16 KB of the body. */
  readonly body: Uint8Array
  /** True when there was more than `body`. */
  readonly truncated: boolean
  readonly timing: TransportTiming
}

/** What came of an exchange. */
export type ExchangeOutcome = ExchangeAnswer | TransportFailure

/** Headers and the framing of chunks are no body, but a receiver can send them without end. */
const MAX_SOCKET_BYTES = MAX_READ_BYTES + 32 * 1024
/** As many 1xx answers as anyone needs before the real one. */
const MAX_INFORMATIONAL = 16
const NO_BODY = new Uint8Array(0)

/** The handler that undici calls while the exchange goes on. `done` is called exactly once. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly request: ExchangeRequest
  readonly fresh: boolean
  readonly #clock: Clock
  readonly #connections: Connections
  readonly #done: (outcome: ExchangeOutcome, exchange: Exchange) => void
  readonly #startedAt: number
  readonly #timer: Timer | undefined
  /** Where it may go: judged, in the order in which to try them. */
  addresses: readonly LookupAddress[] = []
  /** Leaves the queue of those that wait for a look-up or a connection. */
  stopWaiting: (() => void) | undefined
  #connection: Connection | undefined
  #phase: Phase = 'connecting'
  #over = false
  #reused = false
  #bytesBefore = 0
  #informational = 0
  #status: number | undefined
  #headers: Record<string, string> = {}
  #firstByteMs: number | null = null
  #bodyBytes = 0
  #keptBytes = 0
  #kept: Uint8Array[] | undefined

  constructor(
    request: ExchangeRequest,
    clock: Clock,
    connections: Connections,
    done: (outcome: ExchangeOutcome, exchange: Exchange) => void,
  ) {
    this.request = request
    this.#clock = clock
    this.#connections = connections
    this.#done = done
    this.#startedAt = clock.monotonic()
    this.fresh = request.fresh === true
    const { deadlineMs } = request
    if (deadlineMs !== Infinity) this.#timer = setDeadline(clock, () => this.stop('timeout'), deadlineMs)
  }

  /** Sends the request over a connection that the pool has lent. */
  use(connection: Connection): void {
    this.#connection = connection
    const { target, method = 'POST', headers, body } = this.request
    connection.client.dispatch({ path: target.path, method, headers, body }, this)
  }

  /** Ends the exchange now, for a reason of our own. */
  stop(code: FailureCode): void {
    this.#fail({ code, message: sentence(code), mayHaveBeenReceived: this.#phase === 'sent' })
  }

  /** Ends the exchange before it had a connection, with what the error says. */
  refuse(error: Error): void {
    this.#fail(describeFailure(error, 'connecting'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const connection = this.#connection
    if (connection === undefined) return
    // After a pause of the whole process a socket may be heard before the timer: the lease may be somebody else's by now.
    const { deadlineMs, sendWithinMs = deadlineMs } = this.request
    if (this.#clock.monotonic() - this.#startedAt >= sendWithinMs) {
      controller.abort(failureError('timeout', sentence('timeout')))
      return
    }
    this.#phase = 'sent'
    this.#reused = connection.served > 0
    this.#bytesBefore = connection.socket?.bytesRead ?? 0
    connection.reader = this
  }

  /** Called before each parsed chunk with all bytes that the socket has ever received. */
  onBytes(bytesRead: number): void {
    if (bytesRead - this.#bytesBefore <= MAX_SOCKET_BYTES) return
    if (this.#status === undefined) this.stop('protocol')
    else this.#answer(false, true)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#over) return
    if (status < 200) {
      if (++this.#informational > MAX_INFORMATIONAL) this.stop('protocol')
      return
    }
    this.#firstByteMs = this.#clock.monotonic() - this.#startedAt
    this.#status = status
    this.#headers = joined(headers)
    // No status (RFC 9110, section 15), and no Response of fetch can hold it.
    if (status > 599) this.stop('protocol')
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    this.#bodyBytes += chunk.byteLength
    const room = MAX_EXCERPT_BYTES - this.#keptBytes
    if (room > 0) {
      const part = chunk.byteLength > room ? chunk.subarray(0, room) : chunk
      this.#kept ??= []
      this.#kept.push(part)
      this.#keptBytes += part.byteLength
    }
    if (this.#bodyBytes > MAX_READ_BYTES) this.#answer(false, true)
  }

  onResponseEnd(): void {
    this.#answer(true, false)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    // The parser gives one error for a body that ended early and for two lengths that contradict each other.
    const mismatch = 'code' in error && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
    if (mismatch && this.#status === undefined) this.stop('protocol')
    else this.#fail(describeFailure(error, this.#phase))
  }

  #answer(reusable: boolean, cutShort: boolean): void {
    const status = this.#status
    if (this.#over || status === undefined) return
    const kept = this.#kept
    const body = kept === undefined ? NO_BODY : kept.length > 1 ? Buffer.concat(kept) : (kept[0] ?? NO_BODY)
    const truncated = cutShort || this.#bodyBytes > this.#keptBytes
    const timing = this.#end(reusable)
    this.#done({ kind: 'answer', status, headers: this.#headers, body, truncated, timing }, this)
  }

  #fail(facts: FailureFacts): void {
    if (this.#over) return
    const untouched = this.#connection?.socket?.bytesRead === this.#bytesBefore
    const lostRace = facts.code === 'reset' && this.#reused && untouched
    const failure: TransportFailure = {
      kind: 'failure',
      ...facts,
      ...(this.#status === undefined ? undefined : { status: this.#status }),
      ...(lostRace ? { onReusedConnection: true } : undefined),
      timing: this.#end(false),
    }
    this.#done(failure, this)
  }

  #end(reusable: boolean): TransportTiming {
    this.#over = true
    this.#timer?.cancel()
    this.stopWaiting?.()
    if (this.#connection !== undefined) this.#connections.release(this.#connection, reusable)
    return { firstByteMs: this.#firstByteMs, totalMs: this.#clock.monotonic() - this.#startedAt }
  }
}

/** Repeated headers in one string each. The object is the parser's own and not shared, so it is changed in place. */
function joined(received: Record<string, string | string[] | undefined>): Record<string, string> {
  for (const name in received) {
    const value = received[name]
    if (Array.isArray(value)) received[name] = value.join(', ')
  }
  return received as Record<string, string>
}
