/** The options that every transport over Node's sockets takes, with their defaults in one place. */
import type { Clock } from '../clock.ts'
import type { JudgeAddresses, Lookup, TlsOptions } from './connector.ts'
import type { SenderOptions } from './sender.ts'

/** How connections are opened, kept and closed. Only where the transport opens them itself: on Node. */
export interface ConnectionOptions {
  /** Connections to one origin at the same time; further requests wait, within their deadline. @default 128 */
  readonly connectionsPerOrigin?: number
  /** Idle connections kept for reuse, all origins together; the one idle for longest is closed first. @default 512 */
  readonly maxIdleConnections?: number
  /** Milliseconds after which an idle connection is closed, or sooner if the receiver says so. @default 4_000 */
  readonly idleMs?: number
  /** Milliseconds for look-up, TCP and TLS together; the deadline still holds. @default 5_000 */
  readonly connectTimeoutMs?: number
  /** Certificate authorities, client certificate and the like. Verification is always on. */
  readonly tls?: TlsOptions
  /** Judges every address, looked-up or literal, before it is dialled. @default passes all */
  readonly judge?: JudgeAddresses
  /** Resolves names. @default dns.lookup */
  readonly lookup?: Lookup
}

/** Fills in the defaults. */
export function senderOptions(options: ConnectionOptions, clock: Clock): SenderOptions {
  return {
    clock,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    perOrigin: options.connectionsPerOrigin ?? 128,
    maxIdle: options.maxIdleConnections ?? 512,
    idleMs: options.idleMs ?? 4_000,
    tls: options.tls,
    judge: options.judge,
    lookup: options.lookup,
  }
}
