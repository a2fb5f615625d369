/**
 * Keeps connections: one undici Client each, so at most one socket and one request at a time, found by origin
 * in O(1). A plain Pool or Agent would neither bound the idle sockets of ten thousand origins nor say whether
 * a request went out on a used socket.
 */
import type { Socket } from 'node:net'
import { Client } from 'undici'
import type { Connect } from './connector.ts'

/** One connection, lent to one request at a time. */
export interface Connection {
  readonly client: Client
  readonly origin: string
  /** Requests answered on the present socket; 0 while there is none. */
  served: number
  /** The present or last socket; undefined until the first connect. */
  socket: Socket | undefined
  /** Called before each parsed chunk with the bytes that this socket has received so far. */
  onBytes: ((bytesRead: number) => void) | undefined
  /** Closes the socket at once, or gives up the connect. */
  destroy(): void
}

/** What the pool is made of. */
export interface ConnectionsOptions {
  readonly connect: Connect
  /** Connections to one origin at the same time; further requests wait. */
  readonly perOrigin: number
  /** Idle connections kept in all; the one idle for longest goes first. */
  readonly maxIdle: number
  /** Milliseconds after which an idle connection is closed. */
  readonly idleMs: number
}

/** The pool. */
export interface Connections {
  /** Calls `use` with a connection, at once if one is free or may be made. The returned function stops waiting. */
  acquire(origin: string, use: (connection: Connection) => void): () => void
  /** Gives a connection back; one that is not reusable is closed. */
  release(connection: Connection, reusable: boolean): void
  /** Closes the idle ones. */
  close(): void
  /** For tests and diagnostics. */
  stats(): { origins: number; open: number; idle: number }
}

interface Origin {
  open: number
  readonly idle: Connection[]
  readonly waiting: Set<(connection: Connection) => void>
}

/** Bytes of one header block; a longer one is refused by the parser. */
const MAX_HEADER_BYTES = 16 * 1024
/** A kept socket is given up this long before the time that the receiver announced in `Keep-Alive`. */
const KEEP_ALIVE_MARGIN_MS = 1_000

/** Makes an empty pool. */
export function createConnections(options: ConnectionsOptions): Connections {
  const origins = new Map<string, Origin>()
  /** All idle connections, the one idle for longest first. */
  const idle = new Set<Connection>()
  let open = 0
  const nothing = () => {}

  function openConnection(originName: string): Connection {
    let giveUp = nothing
    const client = new Client(originName, {
      pipelining: 1,
      // Our deadline is the only one. undici's two timers restart with every byte and would fire on their own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: options.idleMs,
      keepAliveMaxTimeout: options.idleMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: (target, callback) => {
        giveUp = options.connect(target, (...outcome) => {
          giveUp = nothing
          const [, socket] = outcome
          // undici leaves the second argument out with an error, whatever its types say.
          if (socket) watch(socket)
          callback(...outcome)
        })
      },
    })
    function watch(socket: Socket): void {
      connection.served = 0
      connection.socket = socket
      socket.on('readable', () => connection.onBytes?.(socket.bytesRead))
    }
    const connection: Connection = {
      client,
      origin: originName,
      served: 0,
      socket: undefined,
      onBytes: undefined,
      destroy() {
        giveUp()
        client.destroy().catch(nothing)
      },
    }
    client.on('disconnect', () => {
      connection.served = 0
      if (idle.has(connection)) discard(connection)
    })
    open++
    return connection
  }

  function discard(connection: Connection): void {
    const origin = origins.get(connection.origin)
    if (idle.delete(connection)) origin?.idle.splice(origin.idle.indexOf(connection), 1)
    connection.destroy()
    open--
    if (origin === undefined) return
    origin.open--
    const [next] = origin.waiting
    if (next !== undefined) {
      origin.waiting.delete(next)
      origin.open++
      next(openConnection(connection.origin))
    } else if (origin.open === 0) origins.delete(connection.origin)
  }

  function handOver(connection: Connection): void {
    const [next] = origins.get(connection.origin)?.waiting ?? []
    if (next === undefined) rest(connection)
    else {
      origins.get(connection.origin)?.waiting.delete(next)
      next(connection)
    }
  }

  function rest(connection: Connection): void {
    origins.get(connection.origin)?.idle.push(connection)
    idle.add(connection)
    if (idle.size <= options.maxIdle) return
    const [oldest] = idle
    if (oldest !== undefined) discard(oldest)
  }

  return {
    acquire(name, use) {
      let origin = origins.get(name)
      if (origin === undefined) {
        origin = { open: 0, idle: [], waiting: new Set() }
        origins.set(name, origin)
      }
      // The last one used first, so that the others grow old and close.
      const free = origin.idle.pop()
      if (free !== undefined) {
        idle.delete(free)
        use(free)
      } else if (origin.open < options.perOrigin) {
        origin.open++
        use(openConnection(name))
      } else {
        const { waiting } = origin
        waiting.add(use)
        return () => waiting.delete(use)
      }
      return nothing
    },
    release(connection, reusable) {
      connection.onBytes = undefined
      if (!reusable) {
        discard(connection)
        return
      }
      connection.served++
      const waiting = origins.get(connection.origin)?.waiting.size ?? 0
      // Not at once: this is called from inside undici's parser, which has not finished with the last answer.
      if (waiting > 0) queueMicrotask(() => handOver(connection))
      else rest(connection)
    },
    close() {
      for (const connection of [...idle]) discard(connection)
    },
    stats: () => ({ origins: origins.size, open, idle: idle.size }),
  }
}
