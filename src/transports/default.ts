/**
 * The transport that is used when none is given: undici where Node's sockets are, ky over fetch elsewhere.
 * Neither library is loaded before the first send.
 */
import type { Clock } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { hasNodeSockets } from '../runtime.ts'
import type { Transport } from '../transport.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { proxyOf } from './proxy-settings.ts'

/** Options of `defaultTransport`. */
export interface DefaultTransportOptions extends ConnectionOptions {
  /** Sent as `user-agent` when the request has none. */
  readonly userAgent?: string
  /** Time, for tests. @default systemClock */
  readonly clock?: Clock
}

/**
 * Picks by capability: `undiciTransport(options)` on Node, `kyTransport(options)` on Bun, Deno and Workers.
 *
 * @throws PosthornError INVALID_OPTION or `CONTRADICTORY_OPTIONS` for a `proxy` that cannot be used
 */
export function defaultTransport(options: DefaultTransportOptions = {}): Transport {
  const onNode = hasNodeSockets()
  if (options.proxy !== undefined) proxyOf(options.proxy)
  if (options.proxy !== undefined && !onNode) {
    throw new PosthornError('CONTRADICTORY_OPTIONS', 'The option `proxy` needs the sockets of Node.', {
      path: 'proxy',
    })
  }
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
    send(request) {
      if (loaded !== undefined) return loaded.send(request)
      loading ??= load()
      return loading.then((transport) => transport.send(request))
    },
    async close() {
      closed = true
      await loaded?.close()
    },
  }
}
