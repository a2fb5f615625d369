/**
 * The transport for hosts that have a ky instance with hooks, and for every runtime that has nothing but fetch.
 * On Node ky is wired to undici's sockets instead of fetch, which costs several times less. The bytes and the
 * signed headers go past ky: a hook can add headers, never change what was signed.
 */
import baseKy, { type KyInstance } from 'ky'
import { type Clock, systemClock } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { hasNodeSockets } from '../runtime.ts'
import type { Transport, TransportResult } from '../transport.ts'
import { createAbortListeners } from './abort-listeners.ts'
import { CONNECTION_OPTIONS, type ConnectionOptions, senderOptions } from './connection-options.ts'
import { createFetchSender, type Fetch } from './fetch-sender.ts'
import { KyCall, type KyCallOptions, OPTION } from './ky-call.ts'
import { proxyOf } from './proxy-settings.ts'
import { DEFAULT_USER_AGENT } from './request-head.ts'
import type { Sender } from './sender.ts'

/** Options of `kyTransport`. The connection options count only on Node and without `fetch`. */
export interface KyTransportOptions extends ConnectionOptions {
  /**
   * The host's own instance; its hooks run. A `beforeRequest` hook sees the request without its body. Its retry,
   * timeout, redirect and error settings don't count: an attempt is one try, and the schedule is the engine's.
   */
  readonly ky?: KyInstance
  /** Sends the request in place of undici (Node) or the global fetch (elsewhere). */
  readonly fetch?: Fetch
  /** Sent as `user-agent` when neither the request nor a hook has set one. @default `Posthorn/` and the version, for example `Posthorn/0.1` */
  readonly userAgent?: string
  /** Time, for tests. @default systemClock */
  readonly clock?: Clock
}

const OPTIONS = { ...CONNECTION_OPTIONS, ky: true, fetch: true, userAgent: true, clock: true } as const

/**
 * A transport over ky.
 *
 * Rejects only with what a hook of the host threw. Used alone it sends to any address, private ones included: `createWebhooks`
 * gives each request its guard, and nobody else does. Give it a guard of its own where strangers choose the URLs:
 * `kyTransport({ guard: addressGuard() })`.
 *
 * @example
 * const withToken = ky.create({ hooks: { beforeRequest: [(request) => request.headers.set('x-token', token())] } })
 * createWebhooks({ store, transport: kyTransport({ ky: withToken }) })
 * @throws PosthornError INVALID_OPTION for an unknown option; it or `CONTRADICTORY_OPTIONS` for a `proxy` that cannot be used
 */
export function kyTransport(options: KyTransportOptions = {}): Transport {
  refuseUnknownOptions('kyTransport({ … })', options, OPTIONS)
  const { clock = systemClock, userAgent = DEFAULT_USER_AGENT } = options
  const overSockets = options.fetch === undefined && hasNodeSockets()
  if (options.proxy !== undefined && !overSockets) {
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      'The option `proxy` needs sockets of our own: leave out `fetch`, or run on Node.',
      { path: 'proxy' },
    )
  }
  // The sender is made with the first request, which is too late to say so.
  if (options.proxy !== undefined) proxyOf(options.proxy)

  const inFlight = new Set<KyCall>()
  let closed = false
  let sender: Omit<Sender, 'stats'> | undefined
  async function connect(): Promise<Omit<Sender, 'stats'>> {
    if (sender === undefined && overSockets) {
      // Not a static import: undici does not load where there are no Node sockets.
      const { createSender } = await import('./sender.ts')
      sender ??= createSender(senderOptions(options, clock))
    }
    sender ??= createFetchSender(options.fetch ?? globalThis.fetch.bind(globalThis), clock)
    return sender
  }

  async function send(request: Request, options: unknown): Promise<Response> {
    const call: unknown = Reflect.get(Object(options), OPTION)
    if (!(call instanceof KyCall)) throw new TypeError('This ky instance is for deliveries only.')
    return call.fetch(request, sender ?? (await connect()))
  }
  const ky = (options.ky ?? baseKy).extend({
    method: 'post',
    retry: 0,
    throwHttpErrors: false,
    redirect: 'manual',
    timeout: false,
    prefixUrl: '',
    // The last hook answers, after those of the host, which spares ky's copy of the Request: a quarter of its cost.
    hooks: { beforeRequest: [send] },
    // Called only where a hook of the host has returned a Request, which ends the hooks. ky hands unknown options
    // on to `fetch`, as it does for Next.js: that is how the call finds its way.
    fetch: (request, init) => send(request instanceof Request ? request : new Request(request), init),
  })
  const callOptions: KyCallOptions = {
    ky,
    clock,
    userAgent,
    guard: options.guard,
    aborts: createAbortListeners(),
    hooked: options.ky !== undefined,
  }

  return {
    name: 'ky',
    send: (request) =>
      new Promise<TransportResult>((resolve, reject) => {
        const call = new KyCall(request, callOptions, (result) => {
          inFlight.delete(call)
          resolve(result)
        })
        inFlight.add(call)
        if (closed) call.stop('aborted')
        else
          call
            .start()
            .catch(reject)
            .finally(() => inFlight.delete(call))
      }),
    async close() {
      closed = true
      for (const call of [...inFlight]) call.stop('aborted')
      sender?.close()
    },
  }
}
