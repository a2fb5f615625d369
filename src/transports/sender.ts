/**
 * Starts exchanges over one set of connections and can stop them all. Both transports send through it on Node;
 * it knows bytes and codes, no text and no ky.
 */
import type { FailureCode } from '../transport.ts'
import { createAbortListeners } from './abort-listeners.ts'
import { type Connections, createConnections } from './connections.ts'
import { type ConnectorOptions, createConnector } from './connector.ts'
import { Exchange, type ExchangeOutcome, type ExchangeRequest } from './exchange.ts'

/** What a sender is made of. */
export interface SenderOptions extends ConnectorOptions {
  readonly perOrigin: number
  readonly maxIdle: number
  readonly idleMs: number
}

/** Sends requests. */
export interface Sender {
  /**
   * Starts one exchange; `done` is called exactly once, also when the sender is closed. The returned `stop` ends
   * the exchange with a failure of that code.
   */
  send(request: ExchangeRequest, done: (outcome: ExchangeOutcome) => void): { stop(code: FailureCode): void }
  /** Stops what is in flight, closes what is idle; later requests are `aborted` at once. */
  close(): void
  stats: Connections['stats']
}

/** Makes a sender with connections of its own. */
export function createSender(options: SenderOptions): Sender {
  const aborts = createAbortListeners()
  const connections = createConnections(options, createConnector(options))
  const inFlight = new Set<Exchange>()
  let closed = false

  return {
    send(request, done) {
      const { signal } = request
      const exchange = new Exchange(request, options.clock, connections, (outcome, ended) => {
        inFlight.delete(ended)
        if (signal !== undefined) aborts.remove(signal, ended)
        done(outcome)
      })
      inFlight.add(exchange)
      if (signal !== undefined) aborts.add(signal, exchange)
      if (closed || signal?.aborted === true) exchange.stop('aborted')
      else if (!(request.deadlineMs > 0)) exchange.stop('timeout')
      else connections.acquire(request.target.origin, exchange)
      return exchange
    },
    close() {
      closed = true
      for (const exchange of [...inFlight]) exchange.stop('aborted')
      connections.close()
    },
    stats: () => connections.stats(),
  }
}
