/**
 * Keeps connections by origin and judged address, found in O(1), idle ones bounded over all origins. A plain Pool or Agent would
 * neither bound the idle sockets of ten thousand origins nor say whether a request went out on a used socket.
 */
import type { LookupAddress } from 'node:dns'
import { type Connection, openConnection } from './connection.ts'
import type { Connect } from './connector.ts'

export type { Connection } from './connection.ts'

/** Limits of the pool. */
export interface ConnectionsOptions {
  /** Connections to one origin at the same time; further requests wait. */
  readonly perOrigin: number
  /** Idle connections kept in all; the one idle for longest goes first. */
  readonly maxIdle: number
  /** Milliseconds after which an idle connection is closed. */
  readonly idleMs: number
}

/** Who asks for a connection. */
export interface Borrower {
  /** The addresses that have been judged for this request: it gets a connection to one of them, never to another. */
  readonly addresses: readonly LookupAddress[]
  /** True: a connection that has been used will not do. */
  readonly fresh?: boolean
  /** Called once with the connection, which is the borrower's until it is released. */
  use(connection: Connection): void
  /** Set while the borrower waits; calling it gives up the place in the queue. */
  stopWaiting: (() => void) | undefined
}

/** The pool. */
export interface Connections {
  /** Lends a connection: at once if one is free or may be opened, else when one comes back. */
  acquire(origin: string, borrower: Borrower): void
  /** Takes a connection back; one that is not reusable is closed. */
  release(connection: Connection, reusable: boolean): void
  /** Closes the idle ones. */
  close(): void
  stats(): { origins: number; open: number; idle: number }
}

interface Origin {
  open: number
  readonly idle: Connection[]
  readonly waiting: Set<Borrower>
}

/** Makes an empty pool. An origin is known only while it has a connection. */
export function createConnections(options: ConnectionsOptions, connect: Connect): Connections {
  const origins = new Map<string, Origin>()
  /** All idle connections, the one idle for longest first. */
  const idle = new Set<Connection>()
  let open = 0

  function openFor(name: string, origin: Origin, { addresses }: Borrower): Connection {
    origin.open++
    open++
    return openConnection(name, addresses, options.idleMs, connect, (lost) => {
      if (idle.has(lost)) discard(lost)
    })
  }

  /** Closes a connection; `replaced` where another one of its origin is opened at once. */
  function discard(connection: Connection, replaced = false): void {
    const origin = origins.get(connection.origin)
    connection.destroy()
    open--
    if (origin === undefined) return
    origin.open--
    if (idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1)
    if (replaced) return
    // Not at once: thousands that fail at once would follow each other down the stack.
    if (origin.waiting.size > 0) queueMicrotask(() => serveNext(connection.origin, origin))
    else if (origin.open === 0) origins.delete(connection.origin)
  }

  function serveNext(name: string, origin: Origin): void {
    const next = origin.open < options.perOrigin ? firstWaiting(origin) : undefined
    if (next !== undefined) next.use(openFor(name, origin, next))
    else if (origin.open === 0) origins.delete(name)
  }

  function rest(connection: Connection, origin: Origin): void {
    origin.idle.push(connection)
    idle.add(connection)
    if (idle.size <= options.maxIdle) return
    const [oldest] = idle
    if (oldest !== undefined) discard(oldest)
  }

  return {
    acquire(name, borrower) {
      let origin = origins.get(name)
      if (origin === undefined) {
        origin = { open: 0, idle: [], waiting: new Set() }
        origins.set(name, origin)
      }
      const free = takeIdle(origin, borrower)
      if (free !== undefined) {
        idle.delete(free)
        lend(free, borrower)
        return
      }
      const [stale] = origin.idle
      if (stale !== undefined && origin.open >= options.perOrigin) {
        discard(stale, true)
      }
      if (origin.open < options.perOrigin) {
        borrower.use(openFor(name, origin, borrower))
      } else {
        const { waiting } = origin
        waiting.add(borrower)
        borrower.stopWaiting = () => waiting.delete(borrower)
      }
    },
    release(connection, reusable) {
      connection.reader = undefined
      const origin = origins.get(connection.origin)
      if (!reusable || origin === undefined) {
        discard(connection)
        return
      }
      connection.served++
      if (origin.waiting.size === 0) {
        rest(connection, origin)
        return
      }
      // Not at once: this is called from inside undici's parser, which has not finished with the last answer.
      queueMicrotask(() => {
        const next = firstWaiting(origin)
        if (next === undefined) rest(connection, origin)
        else if (fits(connection, next)) lend(connection, next)
        else {
          discard(connection, true)
          next.use(openFor(connection.origin, origin, next))
        }
      })
    },
    close() {
      for (const connection of [...idle]) discard(connection)
    },
    stats: () => ({ origins: origins.size, open, idle: idle.size }),
  }
}

/** The last one used first, so that the others grow old and close. */
function takeIdle({ idle }: Origin, borrower: Borrower): Connection | undefined {
  if (borrower.fresh === true) return undefined
  const last = idle.at(-1)
  if (last === undefined || fits(last, borrower)) return idle.pop()
  const found = idle.findLastIndex((connection) => fits(connection, borrower))
  return found === -1 ? undefined : idle.splice(found, 1)[0]
}

/** A name may lead elsewhere by now: a kept connection is for those only whose judged addresses include its own. */
function fits(connection: Connection, { addresses, fresh }: Borrower): boolean {
  return fresh !== true && addresses.some(({ address }) => address === connection.address)
}

function lend(connection: Connection, borrower: Borrower): void {
  // undici opens a new socket by itself where the kept one has just been closed.
  connection.addresses = borrower.addresses
  borrower.use(connection)
}

function firstWaiting(origin: Origin): Borrower | undefined {
  const [next] = origin.waiting
  if (next !== undefined) {
    origin.waiting.delete(next)
    next.stopWaiting = undefined
  }
  return next
}
