/**
 * Opens one TCP or TLS connection for undici, to one of the addresses that have been judged and to no other: nothing is
 * looked up here. The name stays what TLS asks for and what the certificate must be for.
 */
import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { buildConnector } from 'undici'
import type { Clock, Timer } from '../clock.ts'
import { failureError, isFailureError, sentence } from './failure.ts'

/** What a connector is made of. */
export interface ConnectorOptions {
  readonly clock: Clock
  /** Milliseconds to the end of the TLS handshake. */
  readonly connectTimeoutMs: number
  /** Trust and client certificates, passed on to `tls.connect`. Verification cannot be turned off. */
  readonly tls?: TlsOptions | undefined
}

/** The part of Node's TLS options that a sender needs. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'ciphers' | 'minVersion' | 'maxVersion'
>

/** Told once how a connect ended; `address` is the one that was dialled. */
export type Connected = (
  ...outcome: [error: Error, socket: null] | [error: null, socket: Socket, address: string]
) => void

/** Starts one connection; the returned function gives it up. Calls back once, or never after it was given up. */
export type Connect = (
  target: buildConnector.Options,
  addresses: readonly LookupAddress[],
  callback: Connected,
) => () => void

/** Per address, before the next one is tried. Node's own 250 ms make far hosts fail always (nodejs/node#54359). */
const ADDRESS_ATTEMPT_MS = 2_000
const CACHED_TLS_SESSIONS = 512

/** Makes the function that opens connections; TLS sessions are shared by all connections it opens. */
export function createConnector(options: ConnectorOptions): Connect {
  const { clock, connectTimeoutMs } = options
  const open = buildConnector({
    ...options.tls,
    rejectUnauthorized: true,
    timeout: 0,
    maxCachedSessions: CACHED_TLS_SESSIONS,
  })

  return (target, addresses, callback) => {
    let over = false
    let inHandshake = false
    let next = 0
    let socket: Socket | undefined
    let addressTimer: Timer | undefined

    const finish: Connected = (...outcome) => {
      if (over) return
      over = true
      timer.cancel()
      addressTimer?.cancel()
      callback(...outcome)
    }
    const fail = (error: Error) => finish(inHandshake ? handshakeFailure(error) : error, null)
    const giveUp = (error: Error) => {
      fail(error)
      socket?.destroy()
    }

    function dial(): void {
      const { address = '' } = addresses[next++] ?? {}
      let current = true
      const goOn = (error: Error) => {
        if (!current || over) return
        current = false
        addressTimer?.cancel()
        // Once TCP has connected this is the receiver, and its answer counts.
        if (inHandshake || next >= addresses.length) fail(error)
        else dial()
      }
      try {
        const opened = open(
          { ...target, hostname: address, servername: serverName(target) },
          (error, made) => {
            if (error !== null) goOn(error)
            else if (current) finish(null, made as Socket, address)
          },
        )
        const dialled = socketOf(opened)
        socket = dialled
        if (next < addresses.length)
          addressTimer = clock.setTimer(() => {
            goOn(tooSlow(false))
            dialled?.destroy()
          }, ADDRESS_ATTEMPT_MS)
        dialled?.once('connect', () => {
          addressTimer?.cancel()
          if (current && target.protocol === 'https:') inHandshake = true
        })
      } catch (error) {
        goOn(error instanceof Error ? error : new Error('refused'))
      }
    }

    const timer = clock.setTimer(() => giveUp(tooSlow(inHandshake)), connectTimeoutMs)
    dial()
    return () => {
      if (!over) giveUp(failureError('aborted', 'The attempt was stopped.'))
    }
  }
}

/** The name that TLS asks for; none for a literal address. Left to undici it would be the address that is dialled. */
export function serverName({ servername, hostname }: buildConnector.Options): string {
  if (servername !== undefined && servername !== null) return servername
  return /^[\d.]+$|:/.test(hostname) ? '' : hostname
}

/** What a connect that took too long says. */
export function tooSlow(inHandshake: boolean): Error {
  return inHandshake
    ? failureError('tls', 'The receiver did not finish the TLS handshake in time.')
    : failureError('connect', 'The receiver did not accept the connection in time.')
}

/** After TCP has connected everything is the handshake's fault, also a reset. */
export function handshakeFailure(error: Error): Error {
  if (isFailureError(error)) return error
  const detail = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return failureError('tls', sentence('tls', detail))
}

/** undici's connector returns the socket it opens (lib/core/connect.js), though its types don't say so. */
function socketOf(returned: unknown): Socket | undefined {
  const isSocket = typeof returned === 'object' && returned !== null && 'destroy' in returned
  return isSocket ? (returned as Socket) : undefined
}
