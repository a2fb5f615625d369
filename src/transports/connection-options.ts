/** The options that every transport over Node's sockets takes, with their defaults in one place. */
import type { Clock } from '../clock.ts'
import type { Lookup } from '../dns/bounded-calls.ts'
import { createResolve, resolveBy } from '../dns/resolve.ts'
import type { TargetGuard } from '../transport.ts'
import type { TlsOptions } from './connector.ts'
import { proxyOf } from './proxy-settings.ts'
import type { SenderOptions } from './sender.ts'

/** How connections are opened, kept and closed. Only where the transport opens them itself: on Node. */
export interface ConnectionOptions {
  /** Connections to one origin at the same time; further requests wait, within their deadline. @default 128 */
  readonly connectionsPerOrigin?: number
  /** Idle connections kept for reuse, all origins together; the one idle for longest is closed first. @default 3_072: below 4,096 open files with what is in flight */
  readonly maxIdleConnections?: number
  /** Milliseconds after which an idle connection is closed, or sooner if the receiver says so. @default 4_000 */
  readonly idleMs?: number
  /** Milliseconds for the look-up, and again for TCP and TLS together; the deadline still holds. @default 5_000 */
  readonly connectTimeoutMs?: number
  /** Certificate authorities, client certificate and the like. Verification is always on. */
  readonly tls?: TlsOptions
  /**
   * Judges the requests that bring no guard of their own. `createWebhooks` gives each request its guard, so this is for
   * transports that are used alone: pass `addressGuard()`, or `send` reaches private addresses, too. @default none
   */
  readonly guard?: TargetGuard
  /**
   * A forward proxy for all requests, as a URL. It resolves the names: they are judged by their text only, so let it
   * refuse private addresses. The proxy variables of the environment never count. @default none
   */
  readonly proxy?: string
  /**
   * Resolves names, each time anew, at most 8 at once; a call that has not called back keeps its place. `dns.lookup` adds search
   * domains, with which a tenant finds out the names of a cluster. @default DNS, remembered for 5 s; then, for what `allowHosts` or
   * `allowPrivateNetworks` opens and where there is no guard, the hosts file and the search domains
   */
  readonly lookup?: Lookup
  /** Name servers to ask in place of the system's, for example `['10.0.0.53']`. Not with `lookup`. */
  readonly nameServers?: readonly string[]
}

/** The names of the options. */
export const CONNECTION_OPTIONS = {
  connectionsPerOrigin: true,
  maxIdleConnections: true,
  idleMs: true,
  connectTimeoutMs: true,
  tls: true,
  guard: true,
  proxy: true,
  lookup: true,
  nameServers: true,
} as const satisfies Record<keyof ConnectionOptions, true>

/** Long enough to look a busy name up rarely, short enough to follow one that moves. */
const KEEP_LOOKUPS_MS = 5_000

/** Fills in the defaults. */
export function senderOptions(options: ConnectionOptions, clock: Clock): SenderOptions {
  return {
    clock,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    perOrigin: options.connectionsPerOrigin ?? 128,
    maxIdle: options.maxIdleConnections ?? 3_072,
    idleMs: options.idleMs ?? 4_000,
    tls: options.tls,
    proxy: options.proxy === undefined ? null : proxyOf(options.proxy),
    resolve: options.lookup === undefined ? createResolve(options) : resolveBy(options.lookup),
    keepLookupsMs: options.lookup === undefined ? KEEP_LOOKUPS_MS : 0,
  }
}
