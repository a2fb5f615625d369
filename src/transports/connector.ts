/**
 * Opens one TCP or TLS connection for undici. Every address that is dialled, a literal as well as a looked-up
 * one, passes `judge` first: a `lookup` hook alone never sees literals. This is where the address guard sits.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { buildConnector } from 'undici'
import type { Clock } from '../clock.ts'
import { failureError, isFailureError, sentence } from './failure.ts'

/**
 * Judges the addresses of a host before any is dialled and returns those that may be, in the order in which to
 * try them. Throws to refuse all: an error made by `failureError('blocked', …)` becomes the result as it is. A
 * literal address comes as a list of one. What the URL alone shows (scheme, port) is for the caller to judge.
 */
export type JudgeAddresses = (
  hostname: string,
  addresses: readonly LookupAddress[],
) => readonly LookupAddress[]

/** Resolves a name to all its addresses; the shape of `dns.lookup` with `{ all: true }`. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** What a connector is made of. */
export interface ConnectorOptions {
  readonly clock: Clock
  /** Milliseconds from the look-up to the end of the TLS handshake. */
  readonly connectTimeoutMs: number
  /** Trust and client certificates, passed on to `tls.connect`. Verification cannot be turned off. */
  readonly tls?: TlsOptions | undefined
  readonly judge?: JudgeAddresses | undefined
  readonly lookup?: Lookup | undefined
}

/** The part of Node's TLS options that a sender needs. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'ciphers' | 'minVersion' | 'maxVersion'
>

/** Starts one connection; the returned function gives it up. Calls back once, or never after it was given up. */
export type Connect = (options: buildConnector.Options, callback: buildConnector.Callback) => () => void

/** Per address, before the next one is tried. Node's own 250 ms make far hosts fail always (nodejs/node#54359). */
const ADDRESS_ATTEMPT_MS = 2_000
const CACHED_TLS_SESSIONS = 512

/** Makes the function that opens connections; TLS sessions are shared by all connections it opens. */
export function createConnector(options: ConnectorOptions): Connect {
  const { clock, connectTimeoutMs } = options
  const lookup: Lookup = options.lookup ?? systemLookup

  function admitted(hostname: string, addresses: readonly LookupAddress[]): LookupAddress[] {
    const allowed = options.judge?.(hostname, addresses) ?? addresses
    if (allowed.length === 0) throw failureError('dns', 'The name of the receiver has no address.')
    return [...allowed]
  }

  const judgedLookup: LookupFunction = (hostname, wanted, callback) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      try {
        const list = admitted(hostname, addresses)
        const [first] = list
        if (wanted.all === true || first === undefined) callback(null, list)
        else callback(null, first.address, first.family)
      } catch (refusal) {
        callback(refusal instanceof Error ? refusal : new Error('refused'), [])
      }
    })
  }

  const open = buildConnector({
    ...options.tls,
    rejectUnauthorized: true,
    timeout: 0,
    maxCachedSessions: CACHED_TLS_SESSIONS,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    lookup: judgedLookup,
  })

  return (target, callback) => {
    let over = false
    let inHandshake = false
    let socket: Socket | undefined
    const finish = (...[error, opened]: Parameters<buildConnector.Callback>) => {
      if (over) return
      over = true
      timer.cancel()
      if (error === null) callback(null, opened)
      else callback(inHandshake ? handshakeFailure(error) : error, null)
    }
    const giveUp = (error: Error) => {
      finish(error, null)
      socket?.destroy()
    }
    const timer = clock.setTimer(() => giveUp(tooSlow(inHandshake)), connectTimeoutMs)
    try {
      const family = isIP(target.hostname)
      if (family !== 0) admitted(target.hostname, [{ address: target.hostname, family }])
      socket = socketOf(open(target, finish))
      if (target.protocol === 'https:')
        socket?.once('connect', () => {
          inHandshake = true
        })
    } catch (error) {
      finish(error instanceof Error ? error : new Error('refused'), null)
    }
    return () => {
      if (!over) giveUp(failureError('aborted', 'The attempt was stopped.'))
    }
  }
}

function tooSlow(inHandshake: boolean): Error {
  return inHandshake
    ? failureError('tls', 'The receiver did not finish the TLS handshake in time.')
    : failureError('connect', 'The receiver did not accept the connection in time.')
}

/** After TCP has connected everything is the handshake's fault, also a reset. */
function handshakeFailure(error: Error): Error {
  if (isFailureError(error)) return error
  const detail = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return failureError('tls', sentence('tls', detail))
}

/** undici's connector returns the socket it opens (lib/core/connect.js), though its types don't say so. */
function socketOf(returned: unknown): Socket | undefined {
  const isSocket = typeof returned === 'object' && returned !== null && 'destroy' in returned
  return isSocket ? (returned as Socket) : undefined
}
