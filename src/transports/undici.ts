/**
 * The transport for Node: undici's HTTP/1.1 parser and sockets, without the cost of fetch. One try per call, no
 * redirect, no proxy, no decompression.
 */
import { type Clock, MAX_TIMER_MS, systemClock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import type { Transport, TransportFailure, TransportResponse, TransportResult } from '../transport.ts'
import { CONNECTION_OPTIONS, type ConnectionOptions, senderOptions } from './connection-options.ts'
import { excerptOf } from './excerpt.ts'
import type { ExchangeAnswer, ExchangeRequest } from './exchange.ts'
import { describeFailure } from './failure.ts'
import { createTargets, DEFAULT_USER_AGENT, headerList } from './request-head.ts'
import { createSender } from './sender.ts'

/** Options of `undiciTransport`. */
export interface UndiciTransportOptions extends ConnectionOptions {
  /** Sent as `user-agent` when the request has none. @default `Posthorn/` and the version, for example `Posthorn/0.1` */
  readonly userAgent?: string
  /** Time, for tests. @default systemClock */
  readonly clock?: Clock
}

const OPTIONS = { ...CONNECTION_OPTIONS, userAgent: true, clock: true } as const

/** A transport with a look inside, for tests and diagnostics. */
export interface UndiciTransport extends Transport {
  /** Origins known, connections open (idle ones included), connections idle. */
  stats(): { origins: number; open: number; idle: number }
}

/**
 * The default transport on Node.
 *
 * Used alone it sends to any address, private ones included: `createWebhooks` gives each request its guard, and nobody else
 * does. Give it a guard of its own where strangers choose the URLs.
 *
 * @example
 * createWebhooks({ store, transport: undiciTransport({ connectionsPerOrigin: 32 }) })
 * @example
 * const alone = undiciTransport({ guard: addressGuard() })
 * @throws PosthornError INVALID_OPTION for an unknown option, or a `proxy` that cannot be used
 */
export function undiciTransport(options: UndiciTransportOptions = {}): UndiciTransport {
  refuseUnknownOptions('undiciTransport({ … })', options, OPTIONS)
  const { clock = systemClock, userAgent = DEFAULT_USER_AGENT } = options
  const sender = createSender(senderOptions(options, clock))
  const targets = createTargets()

  return {
    name: 'undici',
    send: (request) =>
      new Promise<TransportResult>((resolve) => {
        const guard = request.guard ?? options.guard
        let checked: ExchangeRequest
        try {
          checked = {
            target: targets(request.url, guard),
            method: request.method,
            guard,
            headers: headerList(request.headers, userAgent),
            body: request.body,
            deadlineMs: Math.min(request.deadlineMs, MAX_TIMER_MS),
            fresh: request.freshConnection,
            signal: request.signal,
          }
        } catch (error) {
          resolve(refused(error))
          return
        }
        sender.send(checked, (outcome) => resolve(outcome.kind === 'answer' ? responseOf(outcome) : outcome))
      }),
    async close() {
      sender.close()
    },
    stats: () => sender.stats(),
  }
}

function responseOf(answer: ExchangeAnswer): TransportResponse {
  const { status, headers, body, truncated, timing } = answer
  return { kind: 'response', status, headers, excerpt: excerptOf(body, truncated), truncated, timing }
}

function refused(error: unknown): TransportFailure {
  return {
    kind: 'failure',
    ...describeFailure(error, 'connecting'),
    timing: { firstByteMs: null, totalMs: 0 },
  }
}
