/**
 * One request and its answer over undici: one connection, one deadline, a capped body. Both transports use it on
 * Node; it knows bytes and codes, no text and no ky. It never rejects.
 */
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import {
  MAX_EXCERPT_BYTES,
  MAX_READ_BYTES,
  type TransportFailure,
  type TransportTiming,
} from '../transport.ts'
import { createAbortListeners } from './abort-listeners.ts'
import { type Connection, type Connections, createConnections } from './connections.ts'
import { type ConnectorOptions, createConnector } from './connector.ts'
import { describeFailure, type FailureFacts, type Phase, sentence } from './failure.ts'

/** A checked request. */
export interface ExchangeRequest {
  readonly url: URL
  /** Names and values in turn, without the headers that frame the message. */
  readonly headers: string[]
  readonly body: Uint8Array
  readonly deadlineMs: number
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

/** What the exchange is made of. */
export interface ExchangeOptions extends Omit<ConnectorOptions, 'clock'> {
  readonly clock: Clock
  readonly perOrigin: number
  readonly maxIdle: number
  readonly idleMs: number
}

/** Sends requests. */
export interface Exchange {
  send(request: ExchangeRequest): Promise<ExchangeAnswer | TransportFailure>
  close(): void
  stats: Connections['stats']
}

/** 16 KB of headers and the framing of chunks are no body, but somebody must count them. */
const MAX_SOCKET_BYTES = MAX_READ_BYTES + 32 * 1024
const MAX_INFORMATIONAL = 16
const NO_BODY = new Uint8Array(0)

/** Makes an exchange with its own connections. */
export function createExchange(options: ExchangeOptions): Exchange {
  const { clock } = options
  const aborts = createAbortListeners()
  const connections = createConnections({ ...options, connect: createConnector(options) })
  const inFlight = new Set<() => void>()
  let closed = false

  function run(request: ExchangeRequest, resolve: (result: ExchangeAnswer | TransportFailure) => void): void {
    const startedAt = clock.monotonic()
    let connection: Connection | undefined
    let phase: Phase = 'connecting'
    let reused = false
    let bytesBefore = 0
    let status: number | undefined
    let headers: Record<string, string> = {}
    let firstByteMs: number | null = null
    let informational = 0
    let bodyBytes = 0
    let keptBytes = 0
    const kept: Uint8Array[] = []
    let over = false

    function end(reusable: boolean): TransportTiming {
      over = true
      timer.cancel()
      stopListening?.()
      stopWaiting()
      inFlight.delete(abort)
      if (connection !== undefined) connections.release(connection, reusable)
      return { firstByteMs, totalMs: clock.monotonic() - startedAt }
    }
    function fail(facts: FailureFacts): void {
      if (over) return
      const untouched = facts.code === 'reset' && reused && connection?.socket?.bytesRead === bytesBefore
      const timing = end(false)
      resolve({
        kind: 'failure',
        ...facts,
        ...(status === undefined ? undefined : { status }),
        ...(untouched ? { onReusedConnection: true } : undefined),
        timing,
      })
    }
    const stop = (code: 'timeout' | 'aborted' | 'protocol') =>
      fail({ code, message: sentence(code), mayHaveBeenReceived: phase === 'sent' })
    const abort = () => stop('aborted')
    function answer(reusable: boolean, cutShort: boolean): void {
      if (over || status === undefined) return
      if (status > 599) {
        stop('protocol')
        return
      }
      const body = kept.length > 1 ? Buffer.concat(kept) : (kept[0] ?? NO_BODY)
      const truncated = cutShort || bodyBytes > keptBytes
      const timing = end(reusable)
      resolve({ kind: 'answer', status, headers, body, truncated, timing })
    }

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {
        if (connection === undefined) return
        phase = 'sent'
        reused = connection.served > 0
        bytesBefore = connection.socket?.bytesRead ?? 0
        connection.onBytes = (bytesRead) => {
          if (bytesRead - bytesBefore <= MAX_SOCKET_BYTES) return
          if (status === undefined) stop('protocol')
          else answer(false, true)
        }
      },
      onResponseStart(_controller, statusCode, received) {
        if (over) return
        if (statusCode < 200) {
          if (++informational > MAX_INFORMATIONAL) stop('protocol')
          return
        }
        firstByteMs = clock.monotonic() - startedAt
        status = statusCode
        headers = joined(received)
      },
      onResponseData(_controller, chunk) {
        if (over) return
        bodyBytes += chunk.byteLength
        const room = MAX_EXCERPT_BYTES - keptBytes
        if (room > 0) {
          const part = chunk.byteLength > room ? chunk.subarray(0, room) : chunk
          kept.push(part)
          keptBytes += part.byteLength
        }
        if (bodyBytes > MAX_READ_BYTES) answer(false, true)
      },
      onResponseEnd: () => answer(true, false),
      onResponseError(_controller, error) {
        if (over) return
        const facts = describeFailure(error, phase)
        // The parser gives one error for a body that ended early and for two lengths that contradict each other.
        const mismatch = 'code' in error && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
        if (mismatch && status === undefined) stop('protocol')
        else fail(facts)
      },
    }

    let stopWaiting: () => unknown = () => {}
    let stopListening: (() => void) | undefined
    const timer = clock.setTimer(() => stop('timeout'), request.deadlineMs)
    inFlight.add(abort)
    const { signal, url } = request
    if (signal !== undefined) stopListening = aborts.add(signal, abort)
    if (closed || signal?.aborted === true) abort()
    else if (request.deadlineMs > 0) stopWaiting = connections.acquire(url.origin, dispatch)
    else stop('timeout')

    function dispatch(lent: Connection): void {
      connection = lent
      const path = url.pathname + url.search
      lent.client.dispatch({ path, method: 'POST', headers: request.headers, body: request.body }, handler)
    }
  }

  return {
    send: (request) => new Promise((resolve) => run(request, resolve)),
    close() {
      closed = true
      for (const abort of [...inFlight]) abort()
      connections.close()
    },
    stats: () => connections.stats(),
  }
}

/** Repeated headers in one string each. The object is the parser's own and not shared, so it is changed in place. */
function joined(received: Record<string, string | string[] | undefined>): Record<string, string> {
  for (const name of Object.keys(received)) {
    const value = received[name]
    if (Array.isArray(value)) received[name] = value.join(', ')
  }
  return received as Record<string, string>
}
