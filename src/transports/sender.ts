/**
 * Starts exchanges over one set of connections and can stop them all. Both transports send through it on Node;
 * it knows bytes and codes, no text and no ky.
 */

import type { LookupAddress } from 'node:dns'
import { createLookups } from '../dns/lookups.ts'
import type { Resolve } from '../dns/resolve.ts'
import type { FailureCode, TargetGuard } from '../transport.ts'
import { createAbortListeners } from './abort-listeners.ts'
import { type Connections, createConnections } from './connections.ts'
import { type ConnectorOptions, createConnector } from './connector.ts'
import { Exchange, type ExchangeOutcome, type ExchangeRequest } from './exchange.ts'
import { failureError, sentence } from './failure.ts'
import { createProxyConnector, THROUGH_PROXY } from './proxy-connector.ts'
import type { ForwardProxy } from './proxy-settings.ts'

/** What a sender is made of. */
export interface SenderOptions extends ConnectorOptions {
  readonly resolve: Resolve
  /** How long look-ups are remembered, in ms. */
  readonly keepLookupsMs: number
  readonly proxy: ForwardProxy | null
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

const NO_ADDRESS = 'The name of the receiver has no address.'

/** Makes a sender with connections of its own. */
export function createSender(options: SenderOptions): Sender {
  const aborts = createAbortListeners()
  const connections = createConnections(
    options,
    options.proxy === null ? createConnector(options) : createProxyConnector(options, options.proxy),
  )
  const { clock, resolve, connectTimeoutMs: timeoutMs, keepLookupsMs: keepMs } = options
  const lookups = createLookups({ clock, resolve, timeoutMs, keepMs })
  /** Answers that a guard has let pass; an answer that is remembered is judged once. */
  const admitted = new WeakMap<readonly LookupAddress[], TargetGuard>()
  const inFlight = new Set<Exchange>()
  let closed = false

  function route(exchange: Exchange): void {
    const { guard, target } = exchange.request
    const { hostname, literal } = target
    const known = options.proxy === null ? literal : THROUGH_PROXY
    if (known !== null) {
      connect(exchange, known)
      return
    }
    let waits = true
    const asSystem = guard === undefined || guard.opens?.(hostname) === true
    const giveUp = lookups.find(hostname, asSystem, (error, addresses) => {
      waits = false
      exchange.stopWaiting = undefined
      if (error !== null) exchange.refuse(error)
      else if (addresses.length === 0) exchange.refuse(failureError('dns', NO_ADDRESS))
      else if (!passes(exchange, addresses)) exchange.refuse(failureError('blocked', sentence('blocked')))
      else connect(exchange, addresses)
    })
    if (waits) exchange.stopWaiting = giveUp
  }

  function passes({ request: { guard, target } }: Exchange, addresses: readonly LookupAddress[]): boolean {
    if (guard === undefined || admitted.get(addresses) === guard) return true
    const passed = guard.judgeAddresses(
      target.hostname,
      addresses.map(({ address }) => address),
    )
    if (passed) admitted.set(addresses, guard)
    return passed
  }

  function connect(exchange: Exchange, addresses: readonly LookupAddress[]): void {
    exchange.addresses = addresses
    connections.acquire(exchange.request.target.origin, exchange)
  }

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
      else route(exchange)
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
