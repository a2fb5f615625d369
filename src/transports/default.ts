/**
 * The transport that is used when none is given: undici where Node's sockets are, ky over fetch elsewhere.
 * Neither library is loaded before the first send.
 */
import type { Clock } from '../clock.ts'
import type { Transport } from '../transport.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { hasNodeSockets } from './runtime.ts'

/** Options of `defaultTransport`. */
export interface DefaultTransportOptions extends ConnectionOptions {
  /** Sent as `user-agent` when the request has none. */
  readonly userAgent?: string
  /** Time, for tests. @default systemClock */
  readonly clock?: Clock
}

/**
 * Picks by capability: `undiciTransport(options)` on Node, `kyTransport(options)` on Bun, Deno and Workers.
 */
export function defaultTransport(options: DefaultTransportOptions = {}): Transport {
  const onNode = hasNodeSockets()
  let loading: Promise<Transport> | undefined
  let loaded: Transport | undefined
  let closed = false

  async function load(): Promise<Transport> {
    const transport = onNode
      ? (await import('./undici.ts')).undiciTransport(options)
      : (await import('./ky.ts')).kyTransport(options)
    if (closed) await transport.close()
    loaded = transport
    return transport
  }

  return {
    name: onNode ? 'undici' : 'ky',
    async send(request) {
      if (loaded !== undefined) return loaded.send(request)
      loading ??= load()
      return (await loading).send(request)
    },
    async close() {
      closed = true
      await loaded?.close()
    },
  }
}
