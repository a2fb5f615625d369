/**
 * One connection: an undici Client, so at most one socket and one request at a time. It tells what a Client
 * hides: whether the socket has been used before, and how many bytes it has brought.
 */

import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { Client } from 'undici'
import type { Connect } from './connector.ts'

/** A connection, lent to one request at a time. */
export interface Connection {
  readonly client: Client
  readonly origin: string
  /** The judged addresses that a (new) socket may be opened to: those of the request that has the connection. */
  addresses: readonly LookupAddress[]
  /** The address that the present or last socket was opened to. */
  address: string | undefined
  /** Requests answered on the present socket; 0 while there is none. */
  served: number
  /** The present or last socket; undefined until the first connect. */
  socket: Socket | undefined
  /** Who is told, before each parsed chunk, how many bytes the socket has received since it was opened. */
  reader: { onBytes(bytesRead: number): void } | undefined
  /** Closes the socket at once, or gives up the connect. */
  destroy(): void
}

/** Bytes of one header block; a longer one is refused by the parser. */
const MAX_HEADER_BYTES = 16 * 1024
/** A kept socket is given up this long before the time that the receiver announced in `Keep-Alive`. */
const KEEP_ALIVE_MARGIN_MS = 1_000

const nothing = () => {}

/** Makes a connection; the socket is opened by the first request. `onLost` is called when a socket is gone. */
export function openConnection(
  origin: string,
  addresses: readonly LookupAddress[],
  idleMs: number,
  connect: Connect,
  onLost: (connection: Connection) => void,
): Connection {
  let giveUp = nothing
  const client = new Client(origin, {
    pipelining: 1,
    // Our deadline is the only one. undici's two timers start again with every byte and fire up to a second late.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect(target, callback) {
      giveUp = connect(target, connection.addresses, (...outcome) => {
        giveUp = nothing
        if (outcome[0] !== null) return callback(outcome[0], null)
        const [, socket, address] = outcome
        watch(socket, address)
        callback(null, socket)
      })
    },
  })

  const connection: Connection = {
    client,
    origin,
    addresses,
    address: undefined,
    served: 0,
    socket: undefined,
    reader: undefined,
    destroy() {
      giveUp()
      client.destroy().catch(nothing)
    },
  }

  function watch(socket: Socket, address: string): void {
    connection.address = address
    connection.served = 0
    connection.socket = socket
    socket.on('readable', () => connection.reader?.onBytes(socket.bytesRead))
  }

  client.on('disconnect', () => {
    connection.served = 0
    onLost(connection)
  })
  return connection
}
